//! Uploads.

use crate::{
    BlobError,
    limits::{self, in_time},
};
use bytes::Bytes;
use object_store::{ObjectStore, buffered::BufWriter, path::Path};
use sha2::{Digest as _, Sha256};
use std::{path::PathBuf, sync::Arc};
use tokio::io::AsyncWriteExt as _;

/// The size of a part, in bytes: the least that S3 accepts. Smaller blobs are sent whole.
const PART: usize = 5 * 1024 * 1024;

/// An upload under way. Dropped unfinished, it leaves no blob.
pub struct Upload {
    store: Arc<dyn ObjectStore>,
    key: Path,
    writer: Option<BufWriter>,
    digest: Sha256,
    size: u64,
    /// The final path, in a folder.
    path: Option<PathBuf>,
}

/// A stored blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its size in bytes.
    pub size: u64,
    /// The SHA-256 digest of its bytes.
    pub sha256: [u8; 32],
}

impl Upload {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, key: Path, path: Option<PathBuf>) -> Self {
        let writer = BufWriter::with_capacity(Arc::clone(&store), key.clone(), PART).with_max_concurrency(1);
        Self { store, key, writer: Some(writer), digest: Sha256::new(), size: 0, path }
    }

    /// The bytes written so far.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Writes further bytes; waits while the store is slow.
    ///
    /// # Errors
    /// [`BlobError`]; the upload has failed then.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), BlobError> {
        self.digest.update(&bytes);
        self.size += bytes.len() as u64;
        match &mut self.writer {
            Some(writer) => in_time(limits::PART, writer.put(bytes)).await,
            None => Err(BlobError::NotFound),
        }
    }

    /// Finishes the upload: the blob is durable then. Cancelled, it leaves no blob.
    ///
    /// # Errors
    /// [`BlobError`]; there is no blob then.
    pub async fn finish(mut self) -> Result<Stored, BlobError> {
        let mut writer = self.writer.take().ok_or(BlobError::NotFound)?;
        let (unclaimed, path) = (Unclaimed(Some((Arc::clone(&self.store), self.key.clone()))), self.path.take());
        // A task of its own, since a write cannot be cancelled: an abandoned blob is removed once it exists.
        let finishing = tokio::spawn(async move {
            // Sends the last part, then completes the upload.
            in_time(2 * limits::PART, writer.shutdown()).await?;
            if let Some(path) = path {
                tokio::fs::File::open(&path).await?.sync_all().await?;
                if let Some(folder) = path.parent() {
                    tokio::fs::File::open(folder).await?.sync_all().await?;
                }
            }
            Ok::<_, BlobError>(unclaimed)
        });
        let mut unclaimed = finishing.await.map_err(std::io::Error::other)??;
        unclaimed.0 = None;
        Ok(Stored { size: self.size, sha256: self.digest.clone().finalize().into() })
    }
}

/// A blob that was not returned to the caller yet. Dropped, it is removed.
struct Unclaimed(Option<(Arc<dyn ObjectStore>, Path)>);

impl Drop for Unclaimed {
    fn drop(&mut self) {
        let (Some((store, key)), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) else { return };
        runtime.spawn(async move {
            match in_time(limits::PART, store.delete(&key)).await {
                Ok(()) | Err(BlobError::NotFound) => (),
                Err(error) => tracing::debug!(error.cause = %error, "Failed to remove an abandoned upload"),
            }
        });
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let Some(mut writer) = self.writer.take() else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = in_time(limits::PART, writer.abort()).await {
                    tracing::debug!(error.cause = %error, "Failed to remove the parts of an upload");
                }
            });
        }
    }
}
