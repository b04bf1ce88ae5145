//! Limits of uploads, and how long files stay that nothing refers to.

use crate::Secret;
use std::time::Duration;

/// A bucket that speaks S3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// Begins the keys in it; may be empty.
    pub prefix: String,
    /// Where it is, when it is not Amazon's: `https://…`, or `http://…` to a server beside this one.
    pub endpoint: Option<String>,
    /// Its region.
    pub region: String,
    /// The id of the access key.
    pub access_key: String,
    /// The access key.
    pub secret_key: Secret,
}

/// Limits of uploads, and how long files stay that nothing refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSettings {
    /// The bucket; `None`: the folder `files` of the data folder.
    pub bucket: Option<Bucket>,
    /// The size of one file, in bytes.
    pub max_size: u64,
    /// Files of one request.
    pub max_count: usize,
    /// The bytes that one account may upload in 24 hours.
    pub daily_quota: u64,
    /// The files that one account may upload in 24 hours.
    pub daily_count: u64,
    /// Whether images and videos keep their metadata.
    pub keep_metadata: bool,
    /// How long all of one request may take.
    pub upload: Duration,
    /// How long a file stays although nothing refers to it.
    pub grace: Duration,
    /// How often files are looked for to which nothing refers.
    pub look: Duration,
}

impl Default for FileSettings {
    fn default() -> Self {
        Self {
            bucket: None,
            max_size: 25 << 20,
            max_count: 10,
            daily_quota: 1 << 30,
            daily_count: 5_000,
            keep_metadata: false,
            upload: Duration::from_secs(15 * 60),
            grace: Duration::from_secs(24 * 3_600),
            look: Duration::from_secs(3_600),
        }
    }
}
