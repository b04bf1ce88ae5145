//! The configured store of blobs.

use std::path::PathBuf;

/// The configured store of blobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A local folder; created if it does not exist.
    Folder(PathBuf),
    /// A bucket.
    S3(S3),
}

/// An S3 bucket.
#[derive(Clone, PartialEq, Eq)]
pub struct S3 {
    /// Its name.
    pub bucket: String,
    /// The prefix of its keys; may be empty.
    pub prefix: String,
    /// The endpoint, unless it is Amazon's: `https://…`, or `http://…` for a server in the same network.
    pub endpoint: Option<String>,
    /// Its region.
    pub region: String,
    /// The id of the access key.
    pub access_key: String,
    /// The access key.
    pub secret_key: String,
}

impl std::fmt::Debug for S3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { bucket, prefix, endpoint, region, .. } = self;
        write!(f, "S3({bucket:?}, {prefix:?}, {endpoint:?}, {region:?}, ..)")
    }
}
