//! Files over REST and the socket, from the upload to the deletion.

mod access;
mod metadata;
mod removal;
mod uploads;

use crate::support::{Person, Reply, Server, config, until};
use domain::Timestamp;
use image::{DynamicImage, ImageFormat, RgbImage};
use jobs::FileGc;
use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::{Value, json};
use std::{io::Cursor, path::Path};
use testkit::Home;

/// A day and a little, in milliseconds.
const LATER: i64 = 25 * 3_600 * 1_000;

fn png(width: u32, height: u32) -> Vec<u8> {
    picture(width, height, ImageFormat::Png)
}

fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture: DynamicImage = RgbImage::from_pixel(width, height, image::Rgb([9, 99, 199])).into();
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A multipart body.
fn form(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, content) in files {
        let head = format!(
            "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: text/html\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--b--\r\n");
    body
}

fn uploading(server: &Server, person: &Person, body: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
    let request = server.request(Method::POST, "/files", Some(&person.token));
    request.header("content-type", "multipart/form-data; boundary=b").body(body)
}

async fn upload(server: &Server, person: &Person, files: &[(&str, &[u8])]) -> Reply {
    server.send(uploading(server, person, form(files))).await
}

async fn one(server: &Server, person: &Person, name: &str, content: &[u8]) -> Value {
    upload(server, person, &[(name, content)]).await.expect(StatusCode::CREATED)
}

fn url(file: &Value) -> &str {
    file["fileUrl"].as_str().unwrap()
}

/// What a file is answered with, its bytes as they are.
async fn fetched(
    server: &Server,
    person: &Person,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
) -> (u16, HeaderMap, Vec<u8>) {
    let request = server.request(method, path, Some(&person.token));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    (status, headers, response.bytes().await.unwrap().to_vec())
}

async fn seen(server: &Server, person: &Person, path: &str) -> u16 {
    let (status, _, body) = fetched(server, person, Method::GET, path, &[]).await;
    if status == 404 {
        assert!(String::from_utf8(body).unwrap().contains("\"not_found\""));
    }
    status
}

async fn attach(server: &Server, by: &Person, conversation: &str, file: &Value) -> Reply {
    let attachment = json!({"fileUrl": file["fileUrl"], "thumbUrl": file["thumbUrl"]});
    let body = json!({"messageType": "FILE", "content": "", "attachments": [attachment]});
    server.post(by, &format!("/conversations/{conversation}/messages"), body).await
}

fn file_gc(server: &Server) -> FileGc {
    let app = &server.app;
    FileGc {
        blobs: app.files.blobs().clone(),
        settings: app.config.files.clone(),
        clock: app.clock,
        queries: app.queries.clone(),
        progress: app.progress.clone(),
        commands: app.commands.clone(),
        store: app.store.clone(),
    }
}

fn in_hours(server: &Server, millis: i64) -> Timestamp {
    Timestamp::from_millis((server.app.clock)().millis() + millis)
}

/// How many files lie below a folder.
fn lying(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries.map(|entry| if entry.path().is_dir() { lying(&entry.path()) } else { 1 }).sum()
}

async fn nothing_lies(home: &Home) {
    let folder = config(home).data.join("files");
    until("nothing to be left", async || lying(&folder) == 0).await;
}
