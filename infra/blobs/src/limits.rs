//! How long the store may be silent: only that reveals one that died unnoticed.

use crate::BlobError;
use std::time::Duration;
use tokio::time::timeout;

/// Until the answer to a small request.
pub(crate) const ANSWER: Duration = Duration::from_secs(5);
/// Between two pieces of a download.
pub(crate) const PIECE: Duration = Duration::from_secs(10);
/// Until it has accepted a part of an upload: 5 MiB at more than 256 KiB a second.
pub(crate) const PART: Duration = Duration::from_secs(20);

/// The answer, if it arrives in time.
pub(crate) async fn in_time<T, E>(within: Duration, answer: impl Future<Output = Result<T, E>>) -> Result<T, BlobError>
where
    BlobError: From<E>,
{
    Ok(timeout(within, answer).await.map_err(|_| BlobError::Silent(within))??)
}
