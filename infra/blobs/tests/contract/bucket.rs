//! The part of S3 that the tests need, in memory. It checks no signatures.

use axum::{
    Router,
    body::Bytes,
    extract::{Query, State},
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use blobs::S3;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};

/// A bucket in memory.
#[derive(Default)]
pub(crate) struct Bucket {
    objects: Mutex<BTreeMap<String, Vec<u8>>>,
    /// Uploads that are not complete, by their key.
    parts: Mutex<BTreeMap<String, BTreeMap<u32, Vec<u8>>>>,
}

const FRESH: [(&str, &str); 2] = [("etag", "\"x\""), ("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT")];

impl Bucket {
    /// Serves a bucket on a port of its own, for as long as the test runs.
    pub(crate) async fn serve() -> (Arc<Self>, S3) {
        let bucket = Arc::new(Self::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new().fallback(answer).with_state(Arc::clone(&bucket));
        let routes = routes.layer(axum::extract::DefaultBodyLimit::disable());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let settings = S3 {
            bucket: "test".to_owned(),
            prefix: "some/where".to_owned(),
            endpoint: Some(endpoint),
            region: "us-east-1".to_owned(),
            access_key: "key".to_owned(),
            secret_key: "secret".to_owned(),
        };
        (bucket, settings)
    }

    /// The keys of all that is there, incomplete uploads included.
    pub(crate) fn lying(&self) -> Vec<String> {
        let (objects, parts) = (self.objects.lock().unwrap(), self.parts.lock().unwrap());
        objects.keys().chain(parts.keys()).cloned().collect()
    }

    fn list(&self, prefix: &str) -> String {
        let objects = self.objects.lock().unwrap();
        let listed = objects.iter().filter(|(key, _)| key.starts_with(prefix)).map(|(key, content)| {
            let size = content.len();
            format!("<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><Size>{size}</Size></Contents>")
        });
        format!("<ListBucketResult>{}</ListBucketResult>", listed.collect::<String>())
    }

    fn get(&self, key: &str, range: Option<&str>) -> Response {
        let objects = self.objects.lock().unwrap();
        let Some(content) = objects.get(key) else { return StatusCode::NOT_FOUND.into_response() };
        let Some((from, to)) = range.and_then(|range| range.strip_prefix("bytes=")?.split_once('-')) else {
            return (FRESH, content.clone()).into_response();
        };
        let (from, to): (usize, usize) = (from.parse().unwrap(), to.parse().unwrap());
        let range = [("content-range", format!("bytes {from}-{to}/{}", content.len()))];
        (StatusCode::PARTIAL_CONTENT, FRESH, range, content[from..=to].to_vec()).into_response()
    }
}

async fn answer(
    State(bucket): State<Arc<Bucket>>,
    method: Method,
    uri: Uri,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let key = uri.path().strip_prefix("/test").unwrap().trim_start_matches('/').to_owned();
    let part = query.get("partNumber").and_then(|part| part.parse::<u32>().ok());
    match method {
        Method::GET if key.is_empty() => bucket.list(query.get("prefix").map_or("", String::as_str)).into_response(),
        Method::GET => bucket.get(&key, headers.get("range").and_then(|range| range.to_str().ok())),
        Method::POST if query.contains_key("uploads") => {
            bucket.parts.lock().unwrap().insert(key, BTreeMap::new());
            "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>".into_response()
        }
        Method::PUT if part.is_some() => {
            let mut parts = bucket.parts.lock().unwrap();
            parts.get_mut(&key).unwrap().insert(part.unwrap(), body.to_vec());
            FRESH.into_response()
        }
        Method::POST => {
            let parts = bucket.parts.lock().unwrap().remove(&key).unwrap();
            bucket.objects.lock().unwrap().insert(key, parts.into_values().flatten().collect());
            "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>".into_response()
        }
        Method::PUT => {
            bucket.objects.lock().unwrap().insert(key, body.to_vec());
            FRESH.into_response()
        }
        Method::DELETE if query.contains_key("uploadId") => {
            bucket.parts.lock().unwrap().remove(&key);
            StatusCode::NO_CONTENT.into_response()
        }
        Method::DELETE => {
            bucket.objects.lock().unwrap().remove(&key);
            StatusCode::NO_CONTENT.into_response()
        }
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}
