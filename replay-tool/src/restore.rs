//! Restores a backup into an installation without a log, as another incarnation of the log.

use crate::{
    arguments::{Rebuild, Restore, Which},
    backup::{
        files::{self, How},
        keys::{self, Fitting},
        manifest::{CopiedFiles, FILES_FOLDER, LOG, Manifest},
    },
    chain,
    installation::{Access, Installation},
    outcome::Outcome,
    output::Output,
    progress::{BYTES, FILES, Progress},
    rebuild, verify,
};
use anyhow::{Context, Result, bail, ensure};
use config::{Config, secrets};
use event_store::{
    Renewed,
    backup::{Loaded, check_place, load},
};
use serde_json::json;
use sql::Exclusive;
use std::{
    fs::{self, DirBuilder},
    io::ErrorKind,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};
use tokio_util::sync::CancellationToken;

pub(crate) async fn run(output: &Output, which: &Restore, token: CancellationToken) -> Result<Outcome> {
    let config = Config::load()?;
    let manifest = Manifest::read(&which.dir)?;
    let keys = check(&config, &manifest, which).await?;
    make_folder(&config.data)?;
    let Ok(right) = Exclusive::take(&config.log_location(), "restore").await? else {
        bail!("another backup is being restored here");
    };
    let restored = put_back(&config, &manifest, which, &keys, &token).await;
    right.release().await;
    let renewed = restored?;
    let position = manifest.log.position;
    output.text(format_args!("restored the log up to position {position}, of {}", manifest.created_at))?;
    output
        .text(format_args!("its incarnation is {} now, after {}", renewed.incarnation, renewed.former.incarnation))?;
    match &manifest.files {
        CopiedFiles::Folder { count, .. } => output.text(format_args!("restored {count} uploaded files"))?,
        CopiedFiles::Bucket { name, .. } => {
            output.text(format_args!("the uploaded files are in the bucket {name}; nothing was changed there"))?
        }
    }
    if let Some(remark) = &keys.remark {
        output.text(remark)?;
    }
    output.text(format_args!("accounts that were erased after {} are back: erase them again", manifest.created_at))?;
    finish(output, which, renewed, &token)
        .await
        .context("the log and the files are restored; what followed was not done")
}

/// Everything that can be refused, before anything is written.
async fn check(config: &Config, manifest: &Manifest, which: &Restore) -> Result<Fitting> {
    let location = config.log_location();
    manifest.log.check(&location)?;
    let keys = keys::find(config, manifest, which.keys.as_deref())?;
    check_place(&location).await?;
    if matches!(manifest.files, CopiedFiles::Folder { count: 1.., .. }) {
        ensure!(
            config.files.bucket.is_none(),
            "the backup has files of a folder, and FILES_URL names a bucket: restore without FILES_URL, then copy {} to it",
            config.files_folder().display()
        );
        let folder = config.files_folder();
        let is_empty = match fs::read_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => true,
            entries => entries.with_context(|| format!("cannot read {}", folder.display()))?.next().is_none(),
        };
        ensure!(is_empty, "{} is not empty: files are restored to a new or an empty folder only", folder.display());
    }
    let progress = Progress::of("check", manifest.log.bytes(), BYTES);
    let checked = manifest.log.check_parts(&which.dir.join(LOG), &|done| progress.at(done));
    progress.finish();
    checked?;
    Ok(keys)
}

/// Loads everything under other names, and renames it at the end: the log last.
async fn put_back(
    config: &Config,
    manifest: &Manifest,
    which: &Restore,
    keys: &Fitting,
    token: &CancellationToken,
) -> Result<Renewed> {
    let progress = Progress::of("restore log", manifest.log.bytes(), BYTES);
    let location = config.log_location();
    let (log, report) = (which.dir.join(LOG), |done| progress.at(done));
    let loaded = tokio::select! {
        loaded = load(&manifest.log, &log, &location, clock::now(), &report) => loaded,
        // The next restore removes what was loaded.
        () = token.cancelled() => bail!("stopped"),
    };
    progress.finish();
    let loaded = loaded.context("cannot restore the log")?;
    let renewed = loaded.renewed;
    let files = match &manifest.files {
        CopiedFiles::Folder { count: count @ 1.., .. } => {
            match restore_files(config, &which.dir.join(FILES_FOLDER), *count, token).await {
                Ok(files) => Some(files),
                Err(error) => return Err(given_up(loaded, error).await),
            }
        }
        _ => None,
    };
    let kept = keys.keys.iter().try_for_each(|(name, key)| {
        let kept = secrets::keep(&config.data, name, key);
        kept.with_context(|| format!("cannot write {}", config.data.join(name).display()))
    });
    let placed = kept.and_then(|()| match files {
        Some(files) => files.put_in_place(),
        None => Ok(()),
    });
    match placed {
        Ok(()) => loaded.put_in_place().await.context("cannot put the log in its place")?,
        Err(error) => return Err(given_up(loaded, error).await),
    }
    Ok(renewed)
}

/// Removes a loaded log.
async fn given_up(loaded: Loaded, error: anyhow::Error) -> anyhow::Error {
    match loaded.discard().await {
        Ok(()) => error,
        Err(left) => error.context(format!("what was loaded of the log could not be removed ({left})")),
    }
}

/// Files beside their folder.
struct RestoredFiles {
    aside: PathBuf,
    folder: PathBuf,
}

async fn restore_files(config: &Config, from: &Path, count: u64, token: &CancellationToken) -> Result<RestoredFiles> {
    let folder = config.files_folder();
    let aside = folder.with_extension("restoring");
    remove(&aside)?;
    let (from, to, token) = (from.to_owned(), aside.clone(), token.clone());
    let progress = Progress::of("restore files", count, FILES);
    let copying = move || {
        let copied = files::copy(&from, &to, How::Copied, &token, &|done| progress.at(done));
        progress.finish();
        copied
    };
    let copied = tokio::task::spawn_blocking(copying).await?;
    let complete = copied.and_then(|copied| {
        ensure!(copied.count == count, "the backup is damaged: it has {} files of {count}", copied.count);
        Ok(())
    });
    if let Err(error) = complete {
        remove(&aside)?;
        return Err(error);
    }
    Ok(RestoredFiles { aside, folder })
}

impl RestoredFiles {
    fn put_in_place(self) -> Result<()> {
        let Self { aside, folder } = self;
        fs::rename(&aside, &folder)
            .with_context(|| format!("cannot rename {} to {}", aside.display(), folder.display()))
    }
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

fn make_folder(folder: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("cannot create {}", folder.display()))
}

/// Rebuilds the read models, and verifies them and the hash chain.
async fn finish(
    output: &Output,
    which: &Restore,
    Renewed { incarnation, former }: Renewed,
    token: &CancellationToken,
) -> Result<Outcome> {
    let all = || Which { projections: projections::Projection::ALL.to_vec(), audit: true };
    let access = if which.no_rebuild { Access::Read } else { Access::Write };
    let installation = Installation::open(access).await?;
    let (head, faults) = chain::faults(&installation, None).await?;
    let mut result = json!({
        "incarnation": incarnation,
        "former": former,
        "position": head.position,
        "chain": { "sound": faults.is_empty(), "faults": faults },
    });
    let mut differences = Vec::new();
    if !which.no_rebuild {
        let rebuild = Rebuild { projection: all(), no_swap: false, jobs: 2, max_rate: None };
        rebuild::all(&installation, &rebuild, token).await?;
        let found = verify::differences(&installation, &all(), token.clone()).await?;
        result["readModels"] = json!({ "rows": found.rows, "differences": found.documents() });
        differences = found.sentences();
    }
    output.json(&result)?;
    for fault in faults.iter().chain(&differences) {
        output.text(fault)?;
    }
    if !faults.is_empty() || !differences.is_empty() {
        return Ok(Outcome::Different);
    }
    output.text(if which.no_rebuild {
        "the hash chain is correct; the server fills the read models when it starts"
    } else {
        "the hash chain is correct, and the read models are rebuilt and verified"
    })?;
    Ok(Outcome::Clean)
}
