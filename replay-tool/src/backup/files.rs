//! Uploaded files in a folder: `<2 digits>/<id>`, and `<id>.thumb` beside it. They never change, and are only added and
//! removed.

use super::folder::sync;
use anyhow::{Context, Result, ensure};
use std::{
    fs::{self, DirBuilder, DirEntry, File, Permissions},
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::Path,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How files are copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// Hard links where the file system is the same, otherwise copies.
    Linked,
    /// Copies.
    Copied,
}

/// Files that were copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Copied {
    pub(crate) count: u64,
    pub(crate) bytes: u64,
}

/// The number of files in a folder, which may not exist.
pub(crate) fn count(folder: &Path) -> Result<u64> {
    let mut count = 0;
    each(folder, &mut |_| Ok(()), &mut |_, _| {
        count += 1;
        Ok(())
    })?;
    Ok(count)
}

/// Copies the files of a folder, which may not exist, to a new folder; they are on the disk then. Files that are removed
/// meanwhile are passed over. `report` gets the number of files so far.
pub(crate) fn copy(
    from: &Path,
    to: &Path,
    how: How,
    token: &CancellationToken,
    report: &dyn Fn(u64),
) -> Result<Copied> {
    let make = |folder: &Path| {
        let made = DirBuilder::new().mode(0o700).create(folder);
        made.with_context(|| format!("cannot create {}", folder.display()))
    };
    make(to)?;
    let mut copied = Copied::default();
    let mut shards = Vec::new();
    each(
        from,
        &mut |shard| {
            let shard = to.join(shard.file_name());
            make(&shard)?;
            shards.push(shard);
            Ok(())
        },
        &mut |shard, file| {
            ensure!(!token.is_cancelled(), "stopped");
            let target = to.join(shard.file_name()).join(file.file_name());
            let cannot = || format!("cannot copy {} to {}", file.path().display(), target.display());
            if let Some(bytes) = copy_one(&file.path(), &target, how).with_context(cannot)? {
                copied.count += 1;
                copied.bytes += bytes;
                report(copied.count);
            }
            Ok(())
        },
    )?;
    shards.iter().try_for_each(|shard| sync(shard))?;
    sync(to)?;
    Ok(copied)
}

/// Returns the size; `None` if the file was removed meanwhile.
fn copy_one(from: &Path, to: &Path, how: How) -> io::Result<Option<u64>> {
    if how == How::Linked {
        match fs::hard_link(from, to) {
            Ok(()) => return fs::metadata(to).map(|file| Some(file.len())),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            // Another file system, or one without links, or too many of them.
            Err(_) => (),
        }
    }
    match fs::copy(from, to) {
        Err(error) if error.kind() == ErrorKind::NotFound && !from.exists() => return Ok(None),
        copied => copied?,
    };
    let file = File::options().write(true).open(to)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.sync_all()?;
    Ok(Some(file.metadata()?.len()))
}

/// Visits each folder of files and each file in it. Parts of uploads under way are no files.
fn each(
    folder: &Path,
    visit_shard: &mut dyn FnMut(&DirEntry) -> Result<()>,
    visit: &mut dyn FnMut(&DirEntry, &DirEntry) -> Result<()>,
) -> Result<()> {
    let cannot = |path: &Path| format!("cannot read {}", path.display());
    let shards = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        shards => shards.with_context(|| cannot(folder))?,
    };
    for shard in shards {
        let shard = shard.with_context(|| cannot(folder))?;
        let path = shard.path();
        if !is_shard(&shard) {
            continue;
        }
        visit_shard(&shard)?;
        for file in fs::read_dir(&path).with_context(|| cannot(&path))? {
            let file = file.with_context(|| cannot(&path))?;
            if is_file(&file) {
                visit(&shard, &file)?;
            }
        }
    }
    Ok(())
}

fn is_shard(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    let is_name = name.to_str().is_some_and(|name| name.len() == 2 && name.bytes().all(|b| b.is_ascii_hexdigit()));
    is_name && entry.file_type().is_ok_and(|kind| kind.is_dir())
}

fn is_file(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    let id = name.to_str().map(|name| name.strip_suffix(".thumb").unwrap_or(name));
    id.is_some_and(|id| Uuid::try_parse(id).is_ok()) && entry.file_type().is_ok_and(|kind| kind.is_file())
}
