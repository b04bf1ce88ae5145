//! Bringing a blob.

use crate::BlobError;
use bytes::Bytes;
use object_store::{ObjectStore, buffered::BufWriter, path::Path};
use sha2::{Digest as _, Sha256};
use std::{path::PathBuf, sync::Arc};
use tokio::io::AsyncWriteExt as _;

/// How much is sent at once, in bytes: the least that S3 takes as a part. What is smaller is sent whole.
const PART: usize = 5 * 1024 * 1024;

/// A blob on its way. Dropped unfinished, it leaves nothing.
pub struct Upload {
    writer: Option<BufWriter>,
    digest: Sha256,
    size: u64,
    /// Where it will lie, in a folder.
    path: Option<PathBuf>,
}

/// A blob that is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its size in bytes.
    pub size: u64,
    /// The SHA-256 digest of its bytes.
    pub sha256: [u8; 32],
}

impl Upload {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, key: Path, path: Option<PathBuf>) -> Self {
        let writer = BufWriter::with_capacity(store, key, PART).with_max_concurrency(1);
        Self { writer: Some(writer), digest: Sha256::new(), size: 0, path }
    }

    /// How much came so far, in bytes.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Takes more of it; waits while the place is slow.
    ///
    /// # Errors
    /// [`BlobError`]; nothing more can be written then.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), BlobError> {
        self.digest.update(&bytes);
        self.size += bytes.len() as u64;
        match &mut self.writer {
            Some(writer) => Ok(writer.put(bytes).await?),
            None => Err(BlobError::NotFound),
        }
    }

    /// That was all: from here on it is there, also after a loss of power.
    ///
    /// # Errors
    /// [`BlobError`]; nothing is there then.
    pub async fn finish(mut self) -> Result<Stored, BlobError> {
        let mut writer = self.writer.take().ok_or(BlobError::NotFound)?;
        writer.shutdown().await?;
        if let Some(path) = self.path.take() {
            tokio::fs::File::open(&path).await?.sync_all().await?;
            if let Some(folder) = path.parent() {
                tokio::fs::File::open(folder).await?.sync_all().await?;
            }
        }
        Ok(Stored { size: self.size, sha256: self.digest.clone().finalize().into() })
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let Some(mut writer) = self.writer.take() else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = writer.abort().await {
                    tracing::debug!(error.cause = %error, "parts of an upload could not be removed");
                }
            });
        }
    }
}
