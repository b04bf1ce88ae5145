//! What may be brought, and how long it stays for nothing.

use blobs::S3;
use std::time::Duration;

/// What may be brought, and how long it stays for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSettings {
    /// The bucket; `None`: the folder `files` of the data folder.
    pub bucket: Option<S3>,
    /// The size of one file, in bytes.
    pub max_size: u64,
    /// Files of one request.
    pub max_count: usize,
    /// What one account may bring in 24 hours, in bytes.
    pub daily_quota: u64,
    /// How many files one account may bring in 24 hours.
    pub daily_count: u64,
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
            upload: Duration::from_secs(15 * 60),
            grace: Duration::from_secs(24 * 3_600),
            look: Duration::from_secs(3_600),
        }
    }
}
