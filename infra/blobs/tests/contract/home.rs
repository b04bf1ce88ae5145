//! The file store of a test.

use crate::bucket::Bucket;
use blobs::{Blobs, Place};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use tempfile::TempDir;

/// A store of blobs, and its contents.
pub(crate) struct Home {
    pub(crate) blobs: Blobs,
    behind: Behind,
}

enum Behind {
    Folder(TempDir),
    Bucket(Arc<Bucket>),
}

impl Home {
    pub(crate) fn folder() -> Self {
        let folder = TempDir::new().unwrap();
        let blobs = Blobs::connect(&Place::Folder(folder.path().join("files"))).unwrap();
        Self { blobs, behind: Behind::Folder(folder) }
    }

    pub(crate) async fn bucket() -> Self {
        let (bucket, settings) = Bucket::serve().await;
        Self { blobs: Blobs::connect(&Place::S3(settings)).unwrap(), behind: Behind::Bucket(bucket) }
    }

    /// The folder.
    pub(crate) fn path(&self) -> PathBuf {
        match &self.behind {
            Behind::Folder(folder) => folder.path().join("files"),
            Behind::Bucket(_) => PathBuf::new(),
        }
    }

    /// The names of all objects, including unfinished uploads.
    pub(crate) fn lying(&self) -> Vec<String> {
        match &self.behind {
            Behind::Folder(folder) => files(folder.path()),
            Behind::Bucket(bucket) => bucket.lying(),
        }
    }
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.file_name().into_string().unwrap());
        }
    }
    found
}
