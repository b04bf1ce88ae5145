//! The manifest of a backup: `manifest.json`, written last.

use super::keys;
use anyhow::{Context, Result, ensure};
use audit::{HeadKey, SignedHead};
use config::Config;
use domain::{Timestamp, hex};
use event_store::{Head, Heads, backup::LogCopy};
use serde::{Deserialize, Serialize};
use std::{io::ErrorKind, path::Path};

/// The name of the file.
pub(crate) const FILE: &str = "manifest.json";
/// The folder of the log in a backup.
pub(crate) const LOG: &str = "log";
/// The folder of the uploaded files in a backup.
pub(crate) const FILES_FOLDER: &str = "files";
/// The format of the folder; another one has another name.
const FORMAT: &str = "chatchit.backup.1";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    pub(crate) format: String,
    /// The version of the program that made it.
    pub(crate) version: String,
    pub(crate) created_at: Timestamp,
    pub(crate) log: LogCopy,
    /// The head of the log, if the audit key was there.
    pub(crate) head: Option<SignedHead>,
    pub(crate) files: CopiedFiles,
}

/// The uploaded files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "place", rename_all = "camelCase")]
pub(crate) enum CopiedFiles {
    /// In the folder `files` of the backup.
    Folder { count: u64, bytes: u64 },
    /// In this bucket, and not in the backup.
    Bucket { name: String, prefix: String, endpoint: Option<String> },
}

/// The first field of any format.
#[derive(Deserialize)]
struct Named {
    format: String,
}

impl Manifest {
    pub(crate) fn new(config: &Config, log: LogCopy, files: CopiedFiles) -> Result<Self> {
        let created_at = clock::now();
        let chain = hex::decode(&log.chain).context("the head of the log has no chain")?;
        let head = Head { position: log.position, chain, heads: Heads::new(1) };
        let key = keys::audit(config)?.map(|seed| HeadKey::new(&seed));
        let head = key.map(|key| key.sign(log.incarnation, &head, created_at));
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Ok(Self { format: FORMAT.to_owned(), version, created_at, log, head, files })
    }

    /// Reads that of a backup.
    pub(crate) fn read(backup: &Path) -> Result<Self> {
        let path = backup.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                anyhow::bail!("{} is no whole backup: it has no {FILE}", backup.display());
            }
            text => text.with_context(|| format!("cannot read {}", path.display()))?,
        };
        let not_one = || format!("{} is not the manifest of a backup", path.display());
        let Named { format } = serde_json::from_str(&text).with_context(not_one)?;
        ensure!(format == FORMAT, "the backup has the format {format}, and this build reads {FORMAT} only");
        serde_json::from_str(&text).with_context(not_one)
    }
}
