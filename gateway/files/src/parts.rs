//! The parts of a multipart body, read as they come: of none is more than a piece in memory.

use axum::{
    body::{Body, BodyDataStream},
    http::{HeaderMap, HeaderValue, StatusCode, header},
};
use bytes::Bytes;
use futures_util::Stream;
use multer::{Constraints, Field, Multipart, SizeLimit};
use protocol::Problem;
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

/// The field of a form with files.
pub(super) const FIELD: &str = "file";
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
    disposition: Disposition,
    held: Arc<AtomicUsize>,
    patience: Duration,
}

impl Parts {
    /// The parts of `body`, which has at most `limit` bytes and whose pieces come within `patience` of each other.
    pub(crate) fn of(headers: &HeaderMap, body: Body, limit: u64, patience: Duration) -> Result<Self, Problem> {
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
        let Some(field) = field.map_err(|error| problem(&error))? else { return Ok(None) };
        let disposition = Disposition::of(field.headers())?;
        Ok(Some(Part { field, disposition, held: Arc::clone(&self.held), patience: self.patience }))
    }

    /// Reads the body to its end, whatever is wrong with its parts, or for `time`: a client that is still sending reads
    /// the answer only when it has finished.
    pub(super) async fn drain(self, time: Duration) {
        let drained = async { while let Some(Ok(_)) = poll_fn(|context| poll(&self.body, context)).await {} };
        let _ = timeout(time, drained).await;
    }
}

impl Part {
    /// The name of its file; a part without is none.
    pub(super) fn file_name(&self) -> Option<&str> {
        self.disposition.file_name.as_deref()
    }

    /// Its own name, by which a form tells its fields apart.
    pub(super) fn name(&self) -> &str {
        &self.disposition.name
    }

    /// The next piece of it.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, Problem> {
        let piece = timeout(self.patience, self.field.chunk()).await.map_err(|_| too_slow())?;
        self.held.store(0, Ordering::Relaxed);
        piece.map_err(|error| problem(&error))
    }
}

/// What a part says it is (RFC 7578, 4.2). The names of parameters are case-insensitive (RFC 2183); multer's are not.
#[derive(Debug, Default, PartialEq, Eq)]
struct Disposition {
    name: String,
    file_name: Option<String>,
}

impl Disposition {
    fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let value = headers.get(header::CONTENT_DISPOSITION).map(HeaderValue::as_bytes).unwrap_or_default();
        let (mut name, mut file_name) = (None, None);
        let mut rest = value.iter().position(|byte| *byte == b';').map_or(&[][..], |at| &value[at + 1..]);
        while let Some((key, text, after)) = parameter(rest) {
            // Of one that stands twice, the first counts.
            if key.eq_ignore_ascii_case(b"name") {
                name.get_or_insert(text);
            } else if key.eq_ignore_ascii_case(b"filename") {
                file_name.get_or_insert(text);
            }
            rest = after;
        }
        let wrong = |what: &str| Problem::field(FIELD, "malformed", format!("the {what} of a part must be UTF-8"));
        let name = String::from_utf8(name.unwrap_or_default()).map_err(|_| wrong("name"))?;
        let file_name = file_name.map(String::from_utf8).transpose().map_err(|_| wrong("filename"))?;
        Ok(Self { name, file_name })
    }
}

/// The first parameter of a header's rest: its name, its value, and what comes after it. A quoted value escapes quotes
/// alone: some clients send paths with backslashes.
fn parameter(rest: &[u8]) -> Option<(&[u8], Vec<u8>, &[u8])> {
    let equals = rest.iter().position(|byte| *byte == b'=')?;
    let (name, value) = (rest[..equals].trim_ascii(), rest[equals + 1..].trim_ascii_start());
    let name = name.rsplit(|byte| *byte == b';').next().unwrap_or_default().trim_ascii_start();
    let Some(quoted) = value.strip_prefix(b"\"") else {
        let end = value.iter().position(|byte| *byte == b';').unwrap_or(value.len());
        return Some((name, value[..end].trim_ascii().to_vec(), value.get(end + 1..).unwrap_or_default()));
    };
    let (mut text, mut bytes) = (Vec::new(), quoted);
    loop {
        match bytes {
            [b'\\', b'"', after @ ..] => {
                text.push(b'"');
                bytes = after;
            }
            [b'"', after @ ..] => {
                let end = after.iter().position(|byte| *byte == b';').map_or(after.len(), |at| at + 1);
                return Some((name, text, &after[end..]));
            }
            [byte, after @ ..] => {
                text.push(*byte);
                bytes = after;
            }
            [] => return None,
        }
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

/// A body that yields one piece a poll: a reader takes all that is ready, and would take a body that arrives quickly
/// whole.
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
    use futures_util::stream;
    use std::{convert::Infallible, sync::atomic::AtomicUsize};

    const PATIENCE: Duration = Duration::from_secs(60);

    fn parts(pieces: impl Stream<Item = Bytes> + Send + 'static, limit: u64) -> Parts {
        let body = Body::from_stream(futures_util::StreamExt::map(pieces, Ok::<_, Infallible>));
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("multipart/form-data; boundary=b"));
        Parts::of(&headers, body, limit, PATIENCE).ok().unwrap()
    }

    #[test]
    fn a_disposition_is_read_as_it_is_written() {
        let read = |value: &[u8]| {
            let headers =
                HeaderMap::from_iter([(header::CONTENT_DISPOSITION, HeaderValue::from_bytes(value).unwrap())]);
            Disposition::of(&headers).map(|Disposition { name, file_name }| (name, file_name))
        };
        for (value, name, file_name) in [
            (&b"form-data; name=\"file\"; filename=\"a.txt\""[..], "file", Some("a.txt")),
            (b"form-data; NAME=\"file\"; FileName=\"a.txt\"", "file", Some("a.txt")),
            (b"form-data;filename = a.txt ;name=file", "file", Some("a.txt")),
            (b"form-data; name=\"a; filename=b\"", "a; filename=b", None),
            (b"form-data; name=\"file\"; filename=\"a\\\"b.txt\"", "file", Some("a\"b.txt")),
            (b"form-data; name=\"file\"; filename=\"C:\\x\\a.txt\"", "file", Some("C:\\x\\a.txt")),
            (b"form-data; name=\"file\"; filename=\"a\"; filename=\"b\"", "file", Some("a")),
            (b"form-data; name=\"file\"; filename=\"\"", "file", Some("")),
            (b"form-data; name=\"file\"; filename*=UTF-8''a", "file", None),
            (b"form-data; ; name=\"file\"", "file", None),
            ("form-data; name=\"file\"; filename=\"ảnh.png\"".as_bytes(), "file", Some("ảnh.png")),
            (b"form-data; name=\"file", "", None),
            (b"form-data", "", None),
        ] {
            let want = (name.to_owned(), file_name.map(str::to_owned));
            assert_eq!(read(value).unwrap(), want, "{}", String::from_utf8_lossy(value));
        }
        let refused = read(b"form-data; name=\"file\"; filename=\"\xe9.txt\"").unwrap_err();
        assert_eq!((refused.status, &*refused.detail), (422, "file: the filename of a part must be UTF-8"));
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
