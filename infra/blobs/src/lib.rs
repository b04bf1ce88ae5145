//! The contents of uploaded files, in a local folder or an S3 bucket. This crate does not know their owners.
//!
//! Uploads and downloads are streamed: their memory does not depend on the size of the file.

mod blobs;
mod download;
mod key;
mod limits;
mod place;
mod upload;

pub use blobs::Blobs;
pub use download::Download;
pub use key::{BlobKey, BlobKind};
pub use place::{Place, S3};
pub use upload::{Stored, Upload};

/// A failed upload, download or removal.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is no blob with this key.
    #[error("there is no such blob")]
    NotFound,
    /// The store is unreachable, or refuses the request.
    #[error("the file store is unavailable: {0}")]
    Store(object_store::Error),
    /// The store did not answer in this time.
    #[error("the file store did not answer within {0:?}")]
    Silent(std::time::Duration),
    /// The folder cannot be used.
    #[error("the folder of files cannot be used: {0}")]
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
