//! The parts of a multipart body, read as they come: of none is more than a piece in memory.

use crate::Problem;
use axum::{
    body::{Body, BodyDataStream},
    http::{HeaderMap, StatusCode, header},
};
use bytes::Bytes;
use futures_util::Stream;
use multer::{Constraints, Field, Multipart, SizeLimit};
use std::{
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::timeout;

/// What may be read without a piece of a part, or the head of one, coming out of it, in bytes.
const HELD: usize = 1 << 20;

/// The parts of a body.
pub(super) struct Parts {
    multipart: Multipart<'static>,
    /// What the parts are read from.
    body: Arc<Mutex<BodyDataStream>>,
    held: Arc<AtomicUsize>,
    patience: Duration,
}

/// A part.
pub(super) struct Part {
    field: Field<'static>,
    held: Arc<AtomicUsize>,
    patience: Duration,
}

impl Parts {
    /// The parts of `body`, which has at most `limit` bytes and whose pieces come within `patience` of each other.
    pub(super) fn of(headers: &HeaderMap, body: Body, limit: u64, patience: Duration) -> Result<Self, Problem> {
        let boundary = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let boundary = boundary.and_then(|value| multer::parse_boundary(value).ok()).ok_or_else(|| {
            let detail = "the body must be multipart/form-data with a boundary";
            Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
        })?;
        let held = Arc::default();
        let body = Arc::new(Mutex::new(body.into_data_stream()));
        let pieces = Pieces { body: Arc::clone(&body), came: false, held: Arc::clone(&held) };
        let constraints = Constraints::new().size_limit(SizeLimit::new().whole_stream(limit));
        Ok(Self { multipart: Multipart::with_constraints(pieces, boundary, constraints), body, held, patience })
    }

    /// The next part; the one before must be gone.
    pub(super) async fn next(&mut self) -> Result<Option<Part>, Problem> {
        let field = timeout(self.patience, self.multipart.next_field()).await.map_err(|_| too_slow())?;
        self.held.store(0, Ordering::Relaxed);
        let part = |field| Part { field, held: Arc::clone(&self.held), patience: self.patience };
        Ok(field.map_err(|error| problem(&error))?.map(part))
    }

    /// Reads the body to its end, whatever is wrong with its parts, or for `time`: a client that is still sending hears what
    /// is wrong only when it has done so.
    pub(super) async fn drain(self, time: Duration) {
        let drained = async { while let Some(Ok(_)) = poll_fn(|context| poll(&self.body, context)).await {} };
        let _ = timeout(time, drained).await;
    }
}

impl Part {
    /// The name of its file; a part without is none.
    pub(super) fn file_name(&self) -> Option<&str> {
        self.field.file_name()
    }

    /// The next piece of it.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, Problem> {
        let piece = timeout(self.patience, self.field.chunk()).await.map_err(|_| too_slow())?;
        self.held.store(0, Ordering::Relaxed);
        piece.map_err(|error| problem(&error))
    }
}

pub(super) fn too_slow() -> Problem {
    Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", "the body took too long")
}

pub(super) fn too_large(detail: String) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
}

fn problem(error: &multer::Error) -> Problem {
    match error {
        multer::Error::StreamSizeExceeded { limit } => too_large(format!("a body has at most {limit} bytes")),
        error => Problem::malformed(format!("the body is not multipart/form-data: {error}")),
    }
}

/// A body that gives one piece whenever it is asked: whoever asks takes all that there is, and would take a body that
/// comes quickly whole.
struct Pieces {
    body: Arc<Mutex<BodyDataStream>>,
    came: bool,
    held: Arc<AtomicUsize>,
}

/// The next piece of a body.
fn poll(body: &Mutex<BodyDataStream>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, axum::Error>>> {
    let mut body = body.lock().unwrap_or_else(PoisonError::into_inner);
    Pin::new(&mut *body).poll_next(context)
}

/// What is wrong with a body.
#[derive(Debug, thiserror::Error)]
enum BrokenBody {
    #[error("it broke off")]
    BrokeOff,
    #[error("the head of a part is too long")]
    Held,
}

impl Stream for Pieces {
    type Item = Result<Bytes, BrokenBody>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.came) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        poll(&self.body, context).map(|piece| {
            Some(match piece? {
                Ok(piece) => {
                    self.came = true;
                    let held = self.held.fetch_add(piece.len(), Ordering::Relaxed) + piece.len();
                    if held > HELD { Err(BrokenBody::Held) } else { Ok(piece) }
                }
                Err(_) => Err(BrokenBody::BrokeOff),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use futures_util::stream;
    use std::{convert::Infallible, sync::atomic::AtomicUsize};

    const PATIENCE: Duration = Duration::from_secs(60);

    fn parts(pieces: impl Stream<Item = Bytes> + Send + 'static, limit: u64) -> Parts {
        let body = Body::from_stream(futures_util::StreamExt::map(pieces, Ok::<_, Infallible>));
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("multipart/form-data; boundary=b"));
        Parts::of(&headers, body, limit, PATIENCE).ok().unwrap()
    }

    #[tokio::test]
    async fn a_body_that_is_too_long_is_read_to_its_end() {
        static GIVEN: AtomicUsize = AtomicUsize::new(0);
        let head = Bytes::from_static(b"--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n");
        let pieces = std::iter::once(head).chain((0..100).map(|_| {
            GIVEN.fetch_add(1, Ordering::Relaxed);
            Bytes::from_static(&[b'x'; 1_000])
        }));
        let mut parts = parts(stream::iter(pieces), 5_000);
        let mut part = parts.next().await.ok().unwrap().unwrap();
        let refused = loop {
            match part.piece().await {
                Ok(piece) => assert!(piece.is_some(), "the end of too long a body"),
                Err(problem) => break problem,
            }
        };
        assert_eq!(refused.code, "too_large");
        assert!(GIVEN.load(Ordering::Relaxed) < 100);
        drop(part);
        parts.drain(PATIENCE).await;
        assert_eq!(GIVEN.load(Ordering::Relaxed), 100);
    }

    #[tokio::test]
    async fn a_body_that_comes_quickly_is_not_taken_whole() {
        static GIVEN: AtomicUsize = AtomicUsize::new(0);
        let head = Bytes::from_static(b"--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n");
        let pieces = std::iter::once(head).chain((0..10_000).map(|_| {
            GIVEN.fetch_add(1, Ordering::Relaxed);
            Bytes::from_static(&[b'x'; 1_024])
        }));
        let mut parts = parts(stream::iter(pieces), u64::MAX);
        let mut part = parts.next().await.ok().unwrap().unwrap();
        assert_eq!(part.file_name(), Some("x"));
        part.piece().await.ok().unwrap().unwrap();
        assert!(GIVEN.load(Ordering::Relaxed) < 5, "{GIVEN:?}");
    }

    #[tokio::test]
    async fn a_head_without_end_is_refused() {
        let endless = std::iter::repeat_with(|| Bytes::from_static(&[b'x'; 1_024]));
        let head = Bytes::from_static(b"--b\r\nX-Long: ");
        let mut parts = parts(stream::iter(std::iter::once(head).chain(endless)), u64::MAX);
        assert_eq!(parts.next().await.err().unwrap().code, "malformed");
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_is_refused() {
        let endless = std::iter::repeat_with(|| Bytes::from_static(&[b'x'; 1_024]));
        let head = Bytes::from_static(b"--b\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\n");
        let mut parts = parts(stream::iter(std::iter::once(head).chain(endless)), 100_000);
        let mut part = parts.next().await.ok().unwrap().unwrap();
        let problem = loop {
            match part.piece().await {
                Ok(piece) => assert!(piece.is_some()),
                Err(problem) => break problem,
            }
        };
        assert_eq!(problem.code, "too_large");
    }
}
