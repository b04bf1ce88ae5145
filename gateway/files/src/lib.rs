//! Uploaded files: streamed in, inspected, stored beside the log, and served to people who may see a reference to
//! them. ADR 20 gives the reasons.

mod bare;
mod content;
mod kind;
mod name;
mod parts;
mod plain;
mod receive;
mod thumb;
mod upload_limiter;

pub use content::{Asked, content, thumbnail};
pub use receive::{Received, Reception};
pub use upload_limiter::UploadPermit;

use blobs::{BlobError, BlobKey, BlobKind, Blobs};
use config::FileSettings;
use domain::{FileId, Timestamp};
use limits::{Compute, Limits};
use protocol::Problem;
use std::sync::Arc;
use thumb::Thumbs;
use upload_limiter::UploadLimiter;
use uuid::Uuid;

/// The files of this process. Clones share them.
#[derive(Clone)]
pub struct Files(Arc<Shared>);

struct Shared {
    blobs: Blobs,
    settings: FileSettings,
    uploads: Arc<UploadLimiter>,
    thumbs: Thumbs,
    clock: fn() -> Timestamp,
    ids: fn() -> Uuid,
}

impl Files {
    /// Keeps files in `blobs`; makes thumbnails where work on the processor is done, within the limits.
    #[must_use]
    pub fn new(
        blobs: Blobs,
        settings: FileSettings,
        compute: Compute,
        limits: Limits,
        clock: fn() -> Timestamp,
        ids: fn() -> Uuid,
    ) -> Self {
        let thumbs = Thumbs { compute, limits };
        Self(Arc::new(Shared { blobs, settings, uploads: Arc::default(), thumbs, clock, ids }))
    }

    /// Where the bytes lie.
    #[must_use]
    pub fn blobs(&self) -> &Blobs {
        &self.0.blobs
    }

    /// Removes the bytes of a file; what is not there is removed already.
    async fn remove(&self, file: FileId) -> Result<(), BlobError> {
        for kind in BlobKind::ALL {
            self.0.blobs.delete(BlobKey { id: file.0, kind }).await?;
        }
        Ok(())
    }
}

/// The place of the bytes is away.
fn away(error: &BlobError) -> Problem {
    tracing::warn!(error.cause = %error, "a request failed because files cannot be stored or fetched");
    Problem::unavailable("files_unavailable", "files cannot be stored or fetched now", 5)
}
