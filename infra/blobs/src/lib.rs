//! Where the bytes of uploaded files lie: a local folder, or a bucket that speaks S3. Nothing here knows whose they are.
//!
//! Bytes go up and come down in streams: what one upload or download takes of memory does not depend on its size.

mod blobs;
mod download;
mod key;
mod place;
mod upload;

pub use blobs::Blobs;
pub use download::Download;
pub use key::{BlobKey, BlobKind};
pub use place::{Place, S3};
pub use upload::{Stored, Upload};

/// Why bytes could not be stored or fetched.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is nothing under this key.
    #[error("there is no such blob")]
    NotFound,
    /// The place does not answer, or refuses.
    #[error("the place of the files cannot be used: {0}")]
    Store(object_store::Error),
    /// The folder cannot be used.
    #[error("the folder of the files cannot be used: {0}")]
    Io(#[from] std::io::Error),
}

impl From<object_store::Error> for BlobError {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::NotFound,
            error => Self::Store(error),
        }
    }
}
