//! Downloads.

use crate::{
    BlobError,
    limits::{PIECE, in_time},
};
use bytes::{Bytes, BytesMut};
use futures_util::{
    StreamExt as _, TryStreamExt as _,
    stream::{BoxStream, try_unfold},
};
use object_store::GetResult;

/// A blob, or a range of it, as a stream.
pub struct Download {
    /// The size of the whole blob, in bytes.
    pub size: u64,
    /// The bytes.
    pub bytes: BoxStream<'static, Result<Bytes, BlobError>>,
}

impl Download {
    pub(crate) fn new(got: GetResult) -> Self {
        let size = got.meta.size;
        let bytes = try_unfold(got.into_stream(), |mut stream| async move {
            let piece = in_time(PIECE, stream.try_next()).await?;
            Ok(piece.map(|piece| (piece, stream)))
        });
        Self { size, bytes: bytes.boxed() }
    }

    /// The whole content in memory: for small blobs.
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
