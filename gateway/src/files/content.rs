//! Serving files. Whatever it is, a browser neither guesses what it is nor runs it.

use super::{Files, away, kind, name};
use crate::Problem;
use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use blobs::{BlobError, BlobKey};
use projections::queries::FileRow;
use std::ops::RangeInclusive;

/// Whoever may see a file today may not tomorrow: it is asked every time, and answered in few bytes when nothing changed.
const CACHE: HeaderValue = HeaderValue::from_static("private, no-cache");
/// A page that is opened from here can do nothing.
const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");
const NO_SNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// What a request asks for of a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    range: Option<String>,
    if_range: Option<String>,
    if_none_match: Vec<String>,
}

/// What of a file is answered.
#[derive(Debug, PartialEq, Eq)]
enum Answered {
    Whole,
    Part(RangeInclusive<u64>),
    NotModified,
    Unsatisfiable,
}

impl Asked {
    /// What these headers ask for.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let one = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let tags = headers.get_all(header::IF_NONE_MATCH).into_iter().filter_map(|value| value.to_str().ok());
        let if_none_match = tags.flat_map(|tags| tags.split(',')).map(|tag| tag.trim().to_owned()).collect();
        Self { range: one(header::RANGE), if_range: one(header::IF_RANGE), if_none_match }
    }

    /// What is answered of something with this tag and size. A range that cannot be read is none; of several the whole
    /// is answered.
    fn answered(&self, tag: &str, size: u64) -> Answered {
        let same = |given: &String| given == "*" || given.strip_prefix("W/").unwrap_or(given) == tag;
        if self.if_none_match.iter().any(same) {
            return Answered::NotModified;
        }
        if self.if_range.as_ref().is_some_and(|given| given != tag) {
            return Answered::Whole;
        }
        let Some(range) = &self.range else { return Answered::Whole };
        let Ok(ranges) = http_range_header::parse_range_header(range) else { return Answered::Whole };
        match (ranges.ranges.len(), ranges.validate(size)) {
            (1, Ok(ranges)) => ranges.into_iter().next().map_or(Answered::Whole, Answered::Part),
            (1, Err(_)) => Answered::Unsatisfiable,
            _ => Answered::Whole,
        }
    }
}

/// The content of a file that the caller may see.
pub(crate) async fn content(files: &Files, file: &FileRow, asked: &Asked) -> Result<Response, Problem> {
    let tag = format!("\"{}\"", file.id);
    let range = match asked.answered(&tag, file.size) {
        Answered::Whole => None,
        Answered::Part(range) => Some(range),
        Answered::NotModified => return Ok(not_modified(&tag)),
        Answered::Unsatisfiable => return Ok(unsatisfiable(file.size)),
    };
    let length = range.as_ref().map_or(file.size, |range| range.end() - range.start() + 1);
    let bytes = range.as_ref().map(|range| *range.start()..range.end() + 1);
    let mut response = stream(files, BlobKey::content(file.id.0), bytes, length).await?;
    let headers = response.headers_mut();
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Some(range) = range {
        let told = format!("bytes {}-{}/{}", range.start(), range.end(), file.size);
        headers.insert(header::CONTENT_RANGE, HeaderValue::try_from(told).map_err(Problem::internal)?);
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    let media_type = if file.mime == "text/plain" { "text/plain; charset=utf-8" } else { &file.mime };
    let name = file.name.as_deref().unwrap_or("file");
    Ok(dressed(response, media_type, name::disposition(kind::is_shown(&file.mime), name), &tag))
}

/// The thumbnail of a file that the caller may see.
pub(crate) async fn thumbnail(files: &Files, file: &FileRow, asked: &Asked) -> Result<Response, Problem> {
    if !file.thumb {
        return Err(Problem::not_found());
    }
    let tag = format!("\"{}-thumb\"", file.id);
    let whole = Asked { range: None, ..asked.clone() };
    if whole.answered(&tag, 0) == Answered::NotModified {
        return Ok(not_modified(&tag));
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

fn unsatisfiable(size: u64) -> Response {
    let detail = format!("the file has {size} bytes");
    let problem = Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, "range_not_satisfiable", detail);
    let mut response = problem.into_response();
    if let Ok(told) = HeaderValue::try_from(format!("bytes */{size}")) {
        response.headers_mut().insert(header::CONTENT_RANGE, told);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(headers: &[(HeaderName, &str)]) -> Answered {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, HeaderValue::from_str(value).unwrap());
        }
        Asked::of(&map).answered("\"a\"", 10)
    }

    #[test]
    fn what_is_answered_follows_from_what_is_asked() {
        use Answered::{NotModified, Part, Unsatisfiable, Whole};
        let range = |value| asked(&[(header::RANGE, value)]);
        assert_eq!(asked(&[]), Whole);
        for (value, want) in [
            ("bytes=0-3", Part(0..=3)),
            ("bytes=4-", Part(4..=9)),
            ("bytes=-3", Part(7..=9)),
            ("bytes=0-99", Part(0..=9)),
            ("bytes=10-", Unsatisfiable),
            ("bytes=0-1,4-5", Whole),
            ("bytes=3-1", Unsatisfiable),
            ("pages=1-2", Whole),
            ("bytes=x", Whole),
        ] {
            assert_eq!(range(value), want, "{value}");
        }
        let both = |value| asked(&[(header::RANGE, "bytes=0-3"), (header::IF_RANGE, value)]);
        assert_eq!((both("\"a\""), both("\"b\""), both("W/\"a\"")), (Part(0..=3), Whole, Whole));
        for tags in ["\"a\"", "W/\"a\"", "\"x\", \"a\"", "*"] {
            assert_eq!(asked(&[(header::IF_NONE_MATCH, tags), (header::RANGE, "bytes=0-3")]), NotModified, "{tags}");
        }
        assert_eq!(asked(&[(header::IF_NONE_MATCH, "\"b\"")]), Whole);
    }
}
