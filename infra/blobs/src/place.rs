//! Where the bytes lie, as it is configured.

use std::path::PathBuf;

/// Where the bytes lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A folder of this machine; made when it is not there.
    Folder(PathBuf),
    /// A bucket.
    S3(S3),
}

/// A bucket that speaks S3.
#[derive(Clone, PartialEq, Eq)]
pub struct S3 {
    /// Its name.
    pub bucket: String,
    /// Begins the keys in it; may be empty.
    pub prefix: String,
    /// Where it is, when it is not Amazon's: `https://…`, or `http://…` to a server beside this one.
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
