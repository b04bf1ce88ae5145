//! Serving files. Whatever it is, a browser neither guesses what it is nor runs it.

use super::{Files, away, kind, name};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use blobs::{BlobError, BlobKey};
use http_range_header::{RangeUnsatisfiableError, StartPosition, SyntacticallyCorrectRange};
use projections::queries::FileRow;
use protocol::Problem;
use std::ops::RangeInclusive;

/// A file may stop being visible: clients revalidate it every time, and get few bytes when nothing changed.
const CACHE: HeaderValue = HeaderValue::from_static("private, no-cache");
/// A page that is opened from here can do nothing.
const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");
const NO_SNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// What a request asks for of a file.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    range: Option<String>,
    if_range: Option<String>,
    if_match: Option<Vec<String>>,
    if_none_match: Vec<String>,
}

/// What of a file is answered.
#[derive(Debug, PartialEq, Eq)]
enum Answered {
    Whole,
    Part(RangeInclusive<u64>),
    NotModified,
    /// It is not what `If-Match` names.
    Changed,
    Unsatisfiable,
}

impl Asked {
    /// What these headers ask for.
    pub fn of(method: &Method, headers: &HeaderMap) -> Self {
        let one = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let tags = |name: HeaderName| {
            let lists = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
            lists.flat_map(|tags| tags.split(',')).map(|tag| tag.trim().to_owned()).collect::<Vec<_>>()
        };
        // Ranges are of GET alone (RFC 9110, 14.2).
        let range = one(header::RANGE).filter(|_| *method == Method::GET);
        let if_match = headers.contains_key(header::IF_MATCH).then(|| tags(header::IF_MATCH));
        Self { range, if_range: one(header::IF_RANGE), if_match, if_none_match: tags(header::IF_NONE_MATCH) }
    }

    /// What is answered of something with this tag and size. A range that cannot be read is none; of several the whole
    /// is answered.
    fn answered(&self, tag: &str, size: u64) -> Answered {
        // Strong comparison (RFC 9110, 13.1.1).
        if self.if_match.as_ref().is_some_and(|tags| !tags.iter().any(|given| given == "*" || given == tag)) {
            return Answered::Changed;
        }
        let same = |given: &String| given == "*" || given.strip_prefix("W/").unwrap_or(given) == tag;
        if self.if_none_match.iter().any(same) {
            return Answered::NotModified;
        }
        if self.if_range.as_ref().is_some_and(|given| given != tag) {
            return Answered::Whole;
        }
        let Some(range) = &self.range else { return Answered::Whole };
        // The name of the unit is case-insensitive.
        let ranges = match http_range_header::parse_range_header(&range.to_ascii_lowercase()) {
            Ok(ranges) => ranges,
            Err(RangeUnsatisfiableError::ZeroSuffix) => return Answered::Unsatisfiable,
            Err(_) => return Answered::Whole,
        };
        // Of one range that is longer than the file all there is is answered.
        let is_longer =
            |range: &SyntacticallyCorrectRange| matches!(range.start, StartPosition::FromLast(n) if n > size);
        match (ranges.ranges.as_slice(), ranges.validate(size)) {
            ([range], _) if is_longer(range) && size > 0 => Answered::Part(0..=size - 1),
            ([_], Ok(ranges)) => ranges.into_iter().next().map_or(Answered::Whole, Answered::Part),
            ([_], Err(_)) => Answered::Unsatisfiable,
            _ => Answered::Whole,
        }
    }
}

/// The content of a file that the caller may see.
pub async fn content(files: &Files, file: &FileRow, asked: &Asked) -> Result<Response, Problem> {
    let tag = format!("\"{}\"", file.id);
    let range = match asked.answered(&tag, file.size) {
        Answered::Whole => None,
        Answered::Part(range) => Some(range),
        Answered::NotModified => return Ok(not_modified(&tag)),
        Answered::Changed => return Err(changed()),
        Answered::Unsatisfiable => return Ok(unsatisfiable(file.size)),
    };
    let length = range.as_ref().map_or(file.size, |range| range.end() - range.start() + 1);
    let bytes = range.as_ref().map(|range| *range.start()..range.end() + 1);
    let mut response = stream(files, BlobKey::content(file.id.0), bytes, length).await?;
    let headers = response.headers_mut();
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Some(range) = range {
        let content_range = format!("bytes {}-{}/{}", range.start(), range.end(), file.size);
        headers.insert(header::CONTENT_RANGE, HeaderValue::try_from(content_range).map_err(Problem::internal)?);
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    let media_type = if file.mime == "text/plain" { "text/plain; charset=utf-8" } else { &file.mime };
    let name = file.name.as_deref().unwrap_or("file");
    Ok(dressed(response, media_type, name::disposition(kind::is_shown(&file.mime), name), &tag))
}

/// The thumbnail of a file that the caller may see.
pub async fn thumbnail(files: &Files, file: &FileRow, asked: &Asked) -> Result<Response, Problem> {
    if !file.thumb {
        return Err(Problem::not_found());
    }
    let tag = format!("\"{}-thumb\"", file.id);
    let whole = Asked { range: None, ..asked.clone() };
    match whole.answered(&tag, 0) {
        Answered::NotModified => return Ok(not_modified(&tag)),
        Answered::Changed => return Err(changed()),
        _ => (),
    }
    let download = files.0.blobs.download(BlobKey::thumb(file.id.0), None).await.map_err(|error| lost(file, &error))?;
    let response = body(Body::from_stream(download.bytes), download.size);
    Ok(dressed(response, "image/jpeg", name::disposition(true, "thumbnail.jpg"), &tag))
}

async fn stream(
    files: &Files,
    key: BlobKey,
    range: Option<std::ops::Range<u64>>,
    length: u64,
) -> Result<Response, Problem> {
    match files.0.blobs.download(key, range).await {
        Ok(download) => Ok(body(Body::from_stream(download.bytes), length)),
        Err(BlobError::NotFound) => {
            tracing::warn!(file.id = %key.id, "the bytes of a file are not where they should be");
            Err(Problem::not_found())
        }
        Err(error) => Err(away(&error)),
    }
}

fn lost(file: &FileRow, error: &BlobError) -> Problem {
    if matches!(error, BlobError::NotFound) {
        tracing::warn!(file.id = %file.id, "the thumbnail of a file is not where it should be");
        return Problem::not_found();
    }
    away(error)
}

fn body(body: Body, length: u64) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    response
}

/// The headers that keep a file from doing anything.
fn dressed(mut response: Response, media_type: &str, disposition: HeaderValue, tag: &str) -> Response {
    let unknown = HeaderValue::from_static("application/octet-stream");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::try_from(media_type).unwrap_or(unknown));
    headers.insert(header::CONTENT_DISPOSITION, disposition);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, NO_SNIFF);
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    tagged(response, tag)
}

fn tagged(mut response: Response, tag: &str) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, CACHE);
    if let Ok(tag) = HeaderValue::try_from(tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

fn not_modified(tag: &str) -> Response {
    tagged(StatusCode::NOT_MODIFIED.into_response(), tag)
}

fn changed() -> Problem {
    let detail = "the file is not the one that If-Match names; read it without If-Match for its ETag";
    Problem::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", detail)
}

fn unsatisfiable(size: u64) -> Response {
    let detail = format!("the file has {size} bytes");
    let problem = Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, "range_not_satisfiable", detail);
    let mut response = problem.into_response();
    if let Ok(content_range) = HeaderValue::try_from(format!("bytes */{size}")) {
        response.headers_mut().insert(header::CONTENT_RANGE, content_range);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(headers: &[(HeaderName, &str)]) -> Answered {
        asked_by(&Method::GET, headers)
    }

    fn asked_by(method: &Method, headers: &[(HeaderName, &str)]) -> Answered {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, HeaderValue::from_str(value).unwrap());
        }
        Asked::of(method, &map).answered("\"a\"", 10)
    }

    #[test]
    fn what_is_answered_follows_from_what_is_asked() {
        use Answered::{Changed, NotModified, Part, Unsatisfiable, Whole};
        let range = |value| asked(&[(header::RANGE, value)]);
        assert_eq!(asked(&[]), Whole);
        for (value, want) in [
            ("bytes=0-3", Part(0..=3)),
            ("bytes=4-", Part(4..=9)),
            ("bytes=-3", Part(7..=9)),
            ("bytes=-10", Part(0..=9)),
            ("bytes=-0", Unsatisfiable),
            ("Bytes=0-3", Part(0..=3)),
            ("bytes=-5000", Part(0..=9)),
            ("bytes=-11,0-1", Whole),
            ("bytes=0-99", Part(0..=9)),
            ("bytes=10-", Unsatisfiable),
            ("bytes=0-1,4-5", Whole),
            ("bytes=3-1", Unsatisfiable),
            ("pages=1-2", Whole),
            ("bytes=x", Whole),
        ] {
            assert_eq!(range(value), want, "{value}");
        }
        assert_eq!(asked_by(&Method::HEAD, &[(header::RANGE, "bytes=0-3")]), Whole, "a range is of GET alone");
        let both = |value| asked(&[(header::RANGE, "bytes=0-3"), (header::IF_RANGE, value)]);
        assert_eq!((both("\"a\""), both("\"b\""), both("W/\"a\"")), (Part(0..=3), Whole, Whole));
        for tags in ["\"a\"", "W/\"a\"", "\"x\", \"a\"", "*"] {
            assert_eq!(asked(&[(header::IF_NONE_MATCH, tags), (header::RANGE, "bytes=0-3")]), NotModified, "{tags}");
        }
        assert_eq!(asked(&[(header::IF_NONE_MATCH, "\"b\"")]), Whole);
        let only = |tags| asked(&[(header::IF_MATCH, tags), (header::IF_NONE_MATCH, "\"b\"")]);
        for (tags, want) in
            [("\"a\"", Whole), ("\"b\", \"a\"", Whole), ("*", Whole), ("\"b\"", Changed), ("W/\"a\"", Changed)]
        {
            assert_eq!(only(tags), want, "{tags}");
        }
    }
}
