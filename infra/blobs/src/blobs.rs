//! The store of blobs: open, upload, download, delete, list.

use crate::{
    BlobError, BlobKey, Download, Place, S3, Upload,
    limits::{ANSWER, in_time},
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use object_store::{
    ClientOptions, GetOptions, GetRange, ObjectStore, RetryConfig, aws::AmazonS3Builder, local::LocalFileSystem,
    path::Path, prefix::PrefixStore,
};
use std::{
    ops::Range,
    os::unix::fs::DirBuilderExt as _,
    path::{Path as FsPath, PathBuf},
    sync::Arc,
    time::Duration,
};

/// How long one request to a bucket may take, including a whole download. A silent store is given up long before
/// ([`limits`](crate::limits)).
const SLOWEST: Duration = Duration::from_secs(15 * 60);
const CONNECT: Duration = Duration::from_secs(5);
const RETRY: Duration = Duration::from_secs(15);
/// How long an idle connection is kept: one that broke unnoticed meanwhile costs its next user a timeout.
const IDLE: Duration = Duration::from_secs(10);

/// The store of blobs. Clones share it.
#[derive(Clone, Debug)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    /// The folder, unless it is a bucket.
    folder: Option<Arc<FsPath>>,
}

impl Blobs {
    /// Opens the store. A bucket is not contacted: if it is unavailable, later requests fail.
    ///
    /// # Errors
    /// [`BlobError`] when the folder cannot be created, or the settings of a bucket are invalid.
    pub fn connect(place: &Place) -> Result<Self, BlobError> {
        match place {
            Place::Folder(folder) => {
                std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
                // Closes all blobs in it to other users, whatever their own modes.
                private_files::tighten(folder);
                let store = Arc::new(LocalFileSystem::new_with_prefix(folder)?);
                Ok(Self { store, folder: Some(folder.canonicalize()?.into()) })
            }
            Place::S3(settings) => Ok(Self { store: bucket(settings)?, folder: None }),
        }
    }

    /// Begins an upload. The blob does not exist before it is finished; the key must be unused.
    #[must_use]
    pub fn upload(&self, key: BlobKey) -> Upload {
        let path = self.folder.as_ref().map(|folder| folder.join(key.path().as_ref()));
        Upload::new(Arc::clone(&self.store), key.path(), path)
    }

    /// Downloads a blob, or a range of it.
    ///
    /// # Errors
    /// [`BlobError`].
    pub async fn download(&self, key: BlobKey, range: Option<Range<u64>>) -> Result<Download, BlobError> {
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        let path = key.path();
        let request = || in_time(ANSWER, self.store.get_opts(&path, options.clone()));
        let got = match request().await {
            // The connection may have broken unnoticed: the second request opens another.
            Err(BlobError::Silent(_)) => request().await?,
            got => got?,
        };
        Ok(Download::new(got))
    }

    /// Deletes a blob; succeeds if it does not exist.
    ///
    /// # Errors
    /// [`BlobError`].
    pub async fn delete(&self, key: BlobKey) -> Result<(), BlobError> {
        match in_time(ANSWER, self.store.delete(&key.path())).await {
            Err(BlobError::NotFound) => Ok(()),
            deleted => deleted,
        }
    }

    /// All blobs, in no particular order.
    pub fn list(&self) -> BoxStream<'static, Result<BlobKey, BlobError>> {
        let key = |meta: object_store::ObjectMeta| async move { Ok(meta.location.filename().and_then(BlobKey::parse)) };
        self.store.list(None).try_filter_map(key).map_err(BlobError::from).boxed()
    }

    /// Removes the parts of uploads that a killed process left, if their ids were created before `before` (milliseconds since
    /// the epoch); returns their number. In a bucket the bucket's lifecycle rules do that (abort incomplete multipart uploads).
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub async fn sweep_parts(&self, before: i64) -> Result<usize, BlobError> {
        let Some(folder) = &self.folder else { return Ok(0) };
        let mut removed = 0;
        let mut shards = tokio::fs::read_dir(folder).await?;
        while let Some(shard) = shards.next_entry().await? {
            if !shard.file_type().await?.is_dir() {
                continue;
            }
            let mut files = tokio::fs::read_dir(shard.path()).await?;
            while let Some(file) = files.next_entry().await? {
                let name = file.file_name();
                let part = name.to_str().filter(|name| name.contains('#'));
                let made_at = part.and_then(BlobKey::parse).and_then(BlobKey::made_at);
                if made_at.is_some_and(|made_at| made_at < before) && remove(file.path()).await? {
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }
}

/// Removes a file; returns whether it existed.
async fn remove(path: PathBuf) -> Result<bool, BlobError> {
    match tokio::fs::remove_file(path).await {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn bucket(settings: &S3) -> Result<Arc<dyn ObjectStore>, BlobError> {
    let S3 { bucket, prefix, endpoint, region, access_key, secret_key } = settings;
    // The library's own bounds are 30 s for a whole download, and 3 minutes of retries.
    let client = ClientOptions::new().with_timeout(SLOWEST).with_connect_timeout(CONNECT);
    let client = client.with_pool_idle_timeout(IDLE);
    let retry = RetryConfig { max_retries: 3, retry_timeout: RETRY, ..RetryConfig::default() };
    let builder = AmazonS3Builder::new()
        .with_client_options(client)
        .with_retry(retry)
        .with_bucket_name(bucket)
        .with_region(region)
        .with_access_key_id(access_key)
        .with_secret_access_key(secret_key);
    let builder = match endpoint {
        Some(endpoint) => builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://")),
        None => builder,
    };
    Ok(Arc::new(PrefixStore::new(builder.build()?, Path::from(prefix.as_str()))))
}
