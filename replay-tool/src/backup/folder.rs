//! The folder of a new backup: `DIR.partial` until it is whole, so that a backup that was stopped is never taken for one.

use super::manifest::{FILE, LOG, Manifest};
use anyhow::{Context, Result, bail, ensure};
use std::{
    fs::{self, DirBuilder, File, TryLockError},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

/// Locked while a backup is being made.
const LOCK: &str = ".lock";

pub(crate) struct NewFolder {
    partial: PathBuf,
    to: PathBuf,
    _lock: File,
}

impl NewFolder {
    /// Begins a backup to `to`, which is a new or an empty folder.
    pub(crate) fn begin(to: &Path) -> Result<Self> {
        let (Some(name), Some(parent)) = (to.file_name(), to.parent()) else {
            bail!("{} does not name a folder", to.display());
        };
        match fs::read_dir(to) {
            Ok(mut entries) => {
                let is_empty = entries.next().is_none();
                ensure!(is_empty, "{} is not empty: a backup is written to a new or an empty folder", to.display());
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => (),
            Err(error) => return Err(error).with_context(|| format!("cannot write a backup to {}", to.display())),
        }
        let mut aside = name.to_owned();
        aside.push(".partial");
        let partial = parent.join(aside);
        let cannot = || format!("cannot create {}", partial.display());
        let is_new = match DirBuilder::new().mode(0o700).create(&partial) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            made => made.map(|()| true).with_context(cannot)?,
        };
        let lock = partial.join(LOCK);
        let lock = File::options().create(true).truncate(false).write(true).mode(0o600).open(lock);
        let lock = lock.with_context(cannot)?;
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => bail!("another backup to {} is under way", to.display()),
            Err(TryLockError::Error(error)) => return Err(error).with_context(cannot),
            Ok(()) => (),
        }
        if !is_new {
            private_files::tighten(&partial);
            clear(&partial).with_context(|| format!("cannot remove what is in {}", partial.display()))?;
        }
        Ok(Self { partial, to: to.to_owned(), _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.partial
    }

    /// Writes the manifest, and gives the backup its name.
    pub(crate) fn finish(self, manifest: &Manifest) -> Result<()> {
        let written = self.write(manifest);
        if written.is_err() {
            self.discard();
        }
        written
    }

    fn write(&self, manifest: &Manifest) -> Result<()> {
        let path = self.partial.join(FILE);
        let cannot = || format!("cannot write {}", path.display());
        let mut file = File::create_new(&path).with_context(cannot)?;
        let text = serde_json::to_string_pretty(manifest)?;
        file.write_all(text.as_bytes()).and_then(|()| writeln!(file)).with_context(cannot)?;
        file.sync_all().with_context(cannot)?;
        for folder in [self.partial.join(LOG), self.partial.clone()] {
            sync(&folder)?;
        }
        let to = &self.to;
        fs::rename(&self.partial, to).with_context(|| format!("cannot rename the backup to {}", to.display()))?;
        // Until now nobody else could clear the folder.
        fs::remove_file(to.join(LOCK)).with_context(|| format!("cannot remove {}", to.join(LOCK).display()))?;
        sync(to)?;
        sync(parent(to))
    }

    /// Removes what was written.
    pub(crate) fn discard(self) {
        if let Err(error) = fs::remove_dir_all(&self.partial)
            && error.kind() != io::ErrorKind::NotFound
        {
            eprintln!("chatchit-replay: {} is left of the backup: {error}", self.partial.display());
        }
    }
}

/// Writes the names of a folder to the disk.
pub(crate) fn sync(folder: &Path) -> Result<()> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.with_context(|| format!("cannot write {} to the disk", folder.display()))
}

/// The folder that a path lies in.
pub(crate) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Removes everything but the lock.
fn clear(partial: &Path) -> io::Result<()> {
    for entry in fs::read_dir(partial)? {
        let entry = entry?;
        if entry.file_name() == LOCK {
            continue;
        }
        if entry.file_type()?.is_dir() { fs::remove_dir_all(entry.path())? } else { fs::remove_file(entry.path())? }
    }
    Ok(())
}
