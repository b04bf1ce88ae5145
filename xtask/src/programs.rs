//! The programs of a run, and the folder of their logs.

use crate::{
    release,
    shell::{Shell, cargo},
};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// The programs, and the folder of their logs.
pub(crate) struct Programs {
    folder: PathBuf,
    logs: PathBuf,
}

impl Programs {
    /// The programs in `binaries`; `None` builds them for release. Logs are in a folder of that name below cargo's target folder.
    pub(crate) async fn find(shell: &mut Shell, binaries: Option<&Path>, logs: &str) -> Result<Self> {
        let target = release::target_directory(shell).await?;
        let folder = match binaries {
            Some(folder) => folder.to_owned(),
            None => {
                shell.run(cargo().args(release::BUILD)).await?;
                target.join("release")
            }
        };
        let folder = folder.canonicalize().with_context(|| format!("there is no {}", folder.display()))?;
        let logs = target.join(logs);
        std::fs::create_dir_all(&logs)?;
        Ok(Self { folder, logs })
    }

    /// The programs' folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Creates an empty log for the processes of one run.
    pub(crate) fn log(&self, run: &str) -> Result<PathBuf> {
        let path = self.logs.join(format!("{run}.log"));
        std::fs::write(&path, "")?;
        Ok(path)
    }
}
