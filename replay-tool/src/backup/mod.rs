//! Backups of a running installation: the log and the uploaded files. The read models are not in them: they are rebuilt.

pub(crate) mod files;
mod folder;
pub(crate) mod keys;
pub(crate) mod manifest;

use crate::{
    arguments::Backup,
    installation::expect_log,
    outcome::Outcome,
    output::Output,
    progress::{BYTES, FILES, Progress},
};
use anyhow::{Context, Result, bail};
use config::{Bucket, Config};
use event_store::backup::{LogCopy, copy_log};
use files::How;
use folder::NewFolder;
use manifest::{CopiedFiles, FILES_FOLDER, LOG, Manifest};
use std::path::Path;
use tokio_util::sync::CancellationToken;

pub(crate) async fn run(output: &Output, which: &Backup, token: CancellationToken) -> Result<Outcome> {
    let config = Config::load()?;
    expect_log(&config.log_location()).await?;
    let folder = NewFolder::begin(&which.dir)?;
    let made = async {
        let saved = which.keys.as_deref().map(|file| keys::save(&config, file, &which.dir)).transpose()?;
        let manifest = copy(&config, folder.path(), &token).await?;
        Ok((saved, manifest))
    };
    let (saved, manifest) = match made.await {
        Ok(made) => made,
        Err(error) => {
            folder.discard();
            return Err(error);
        }
    };
    folder.finish(&manifest)?;
    output.json(&manifest)?;
    describe(output, &config, which, &manifest, saved)?;
    Ok(Outcome::Clean)
}

/// Copies log and files. The files come after the log: one that the log names is there for a day after nothing names it.
async fn copy(config: &Config, folder: &Path, token: &CancellationToken) -> Result<Manifest> {
    let to = folder.join(LOG);
    let log = tokio::select! {
        log = copy_the_log(config, &to) => log?,
        () = token.cancelled() => bail!("stopped"),
    };
    let files = match &config.files.bucket {
        Some(Bucket { name, prefix, endpoint, .. }) => {
            CopiedFiles::Bucket { name: name.clone(), prefix: prefix.clone(), endpoint: endpoint.clone() }
        }
        None => {
            let (from, to, token) = (config.files_folder(), folder.join(FILES_FOLDER), token.clone());
            let progress = Progress::of("files", files::count(&from)?, FILES);
            let copying = move || {
                let copied = files::copy(&from, &to, How::Linked, &token, &|done| progress.at(done));
                progress.finish();
                copied
            };
            let copied = tokio::task::spawn_blocking(copying).await??;
            CopiedFiles::Folder { count: copied.count, bytes: copied.bytes }
        }
    };
    Manifest::new(config, log, files)
}

async fn copy_the_log(config: &Config, folder: &Path) -> Result<LogCopy> {
    std::fs::create_dir(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let progress = Progress::growing("log", BYTES);
    let copied = copy_log(&config.log_location(), folder, &|done, total| progress.at_of(done, total)).await;
    progress.finish();
    copied.with_context(|| format!("cannot copy the log to {}", folder.display()))
}

fn describe(
    output: &Output,
    config: &Config,
    which: &Backup,
    manifest: &Manifest,
    saved: Option<Vec<&'static str>>,
) -> Result<()> {
    let Manifest { log, files, .. } = manifest;
    output.text(format_args!(
        "{}: the log up to position {}, {} bytes",
        which.dir.display(),
        log.position,
        log.bytes()
    ))?;
    match files {
        CopiedFiles::Folder { count, bytes } => output.text(format_args!("{count} uploaded files, {bytes} bytes"))?,
        CopiedFiles::Bucket { name, .. } => output.text(format_args!(
            "the uploaded files are in the bucket {name} and not in the backup: keep the versions of its objects"
        ))?,
    }
    let needed = &log.master_key;
    match saved.as_deref() {
        None => output.text(format_args!(
            "the keys are not in it; without the master key {needed} nobody can read names and texts: keep it elsewhere \
             ({})",
            keys::kept_in(config)
        )),
        Some([]) => output.text(format_args!(
            "no keys were saved, for all are configured; keep the master key {needed} (CHATCHIT_MASTER_KEY) elsewhere"
        )),
        Some(names) => output.text(format_args!("saved apart, for the master key {needed}: {}", names.join(", "))),
    }
}
