//! Fetching a blob.

use crate::BlobError;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use object_store::GetResult;

/// A blob, or some of it, on its way.
pub struct Download {
    /// The size of the whole blob, in bytes.
    pub size: u64,
    /// The bytes.
    pub bytes: BoxStream<'static, Result<Bytes, BlobError>>,
}

impl Download {
    pub(crate) fn new(got: GetResult) -> Self {
        Self { size: got.meta.size, bytes: got.into_stream().map_err(BlobError::from).boxed() }
    }

    /// All of it, in memory: for what is known to be small.
    ///
    /// # Errors
    /// [`BlobError`].
    pub async fn whole(mut self) -> Result<Bytes, BlobError> {
        let mut whole = BytesMut::with_capacity(usize::try_from(self.size).unwrap_or_default());
        while let Some(bytes) = self.bytes.try_next().await? {
            whole.extend_from_slice(&bytes);
        }
        Ok(whole.freeze())
    }
}
