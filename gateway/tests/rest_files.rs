//! Files, over REST and the socket: from being brought to being gone.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that finds nothing has failed")]

mod support;

use domain::Timestamp;
use gateway::{
    Config,
    files::{FileSettings, House},
};
use image::{DynamicImage, ImageFormat, RgbImage};
use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::{Value, json};
use std::{io::Cursor, path::Path, time::Duration};
use support::{DEADLINE, Person, Reply, Server, config, until};
use testkit::{Home, each_engine, each_mix};
use uuid::Uuid;

/// A day and a little, in milliseconds.
const LATER: i64 = 25 * 3_600 * 1_000;

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture: DynamicImage = RgbImage::from_pixel(width, height, image::Rgb([9, 99, 199])).into();
    picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
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

fn house(server: &Server) -> House {
    let app = &server.app;
    House {
        files: app.files.clone(),
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

each_mix!(a_picture_is_seen_by_those_who_see_its_message, |home| async move {
    let server = Server::start(&home).await;
    let [ana, ben, eve] = [server.register("ana").await, server.register("ben").await, server.register("eve").await];
    let picture = png(640, 320);
    let reply = upload(&server, &ana, &[("Ảnh.html", &picture)]).await;
    assert!(reply.position() > 0);
    let file = reply.expect(StatusCode::CREATED);
    assert_eq!((&file["mime"], &file["size"]), (&json!("image/png"), &json!(picture.len())));
    assert_eq!(file["name"], "Ảnh.html");
    let thumb = file["thumbUrl"].as_str().unwrap();
    assert_eq!(thumb, format!("{}/thumb", url(&file)));
    for outsider in [&ben, &eve] {
        assert_eq!((seen(&server, outsider, url(&file)).await, seen(&server, outsider, thumb).await), (404, 404));
    }
    let group = server.conversation(&ana, "group", &[&ben, &eve]).await;
    attach(&server, &ben, &group, &file).await.refused(422, "invalid");
    let message = attach(&server, &ana, &group, &file).await.expect(StatusCode::CREATED);
    assert_eq!(message["attachments"][0]["fileUrl"], file["fileUrl"]);

    let (status, headers, body) = fetched(&server, &ben, Method::GET, url(&file), &[]).await;
    assert_eq!((status, body.len()), (200, picture.len()));
    assert!(body == picture);
    for (name, want) in [
        ("content-type", "image/png"),
        ("content-disposition", "inline; filename=\"_nh.html\"; filename*=UTF-8''%E1%BA%A2nh.html"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("cache-control", "private, no-cache"),
        ("accept-ranges", "bytes"),
    ] {
        assert_eq!(headers[name], want, "{name}");
    }
    let (status, headers, body) = fetched(&server, &ben, Method::GET, thumb, &[]).await;
    assert_eq!(
        (status, &headers["content-type"], &headers["x-content-type-options"]),
        (200, &"image/jpeg".parse().unwrap(), &"nosniff".parse().unwrap())
    );
    let small = image::load_from_memory_with_format(&body, ImageFormat::Jpeg).unwrap();
    assert_eq!((small.width(), small.height()), (320, 160));

    let id = message["id"].as_str().unwrap();
    server
        .call(&eve, Method::DELETE, &format!("/messages/{id}?for=me"), Value::Null)
        .await
        .expect(StatusCode::NO_CONTENT);
    assert_eq!(
        (seen(&server, &eve, url(&file)).await, seen(&server, &ben, url(&file)).await),
        (404, 200),
        "hidden by one"
    );
    server.post(&ben, &format!("/conversations/{group}/leave"), Value::Null).await;
    assert_eq!(
        (seen(&server, &ben, url(&file)).await, seen(&server, &ben, thumb).await),
        (404, 404),
        "a former member"
    );
    let again = attach(&server, &ana, &group, &file).await.expect(StatusCode::CREATED);
    assert_eq!(seen(&server, &eve, url(&file)).await, 200);
    let path = format!("/messages/{}?for=everyone", again["id"].as_str().unwrap());
    server.call(&ana, Method::DELETE, &path, Value::Null).await.expect(StatusCode::NO_CONTENT);
    assert_eq!((seen(&server, &eve, url(&file)).await, seen(&server, &ana, url(&file)).await), (404, 200));
    assert_eq!(seen(&server, &ana, &format!("/files/{}", Uuid::nil())).await, 404);
    assert_eq!(seen(&server, &ana, "/files/..%2f..%2fmaster.key").await, 404);
    let nobody = server.send(server.request(Method::GET, url(&file), None)).await;
    nobody.refused(401, "unauthenticated");
    server.stop().await;
});

each_engine!(some_of_a_file_or_none_is_answered_when_that_is_asked, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let file = one(&server, &ana, "words.txt", b"0123456789").await;
    assert_eq!((&file["mime"], &file["thumbUrl"]), (&json!("text/plain"), &Value::Null));
    let path = url(&file);
    let (status, headers, body) = fetched(&server, &ana, Method::GET, path, &[("range", "bytes=2-4")]).await;
    assert_eq!((status, body.as_slice()), (206, b"234".as_slice()));
    assert_eq!(
        (&headers["content-range"], &headers["content-length"]),
        (&"bytes 2-4/10".parse().unwrap(), &"3".parse().unwrap())
    );
    let (status, headers, body) = fetched(&server, &ana, Method::GET, path, &[("range", "bytes=10-")]).await;
    assert_eq!((status, &headers["content-range"]), (416, &"bytes */10".parse().unwrap()));
    assert!(String::from_utf8(body).unwrap().contains("range_not_satisfiable"));
    let (status, headers, body) = fetched(&server, &ana, Method::HEAD, path, &[]).await;
    assert_eq!((status, &headers["content-length"], body.len()), (200, &"10".parse().unwrap(), 0));
    assert_eq!(headers["content-type"], "text/plain; charset=utf-8");
    assert!(headers["content-disposition"].to_str().unwrap().starts_with("attachment; filename=\"words.txt\""));
    let tag = headers["etag"].to_str().unwrap();
    let (status, headers, body) = fetched(&server, &ana, Method::GET, path, &[("if-none-match", tag)]).await;
    assert_eq!((status, body.len(), headers["etag"].to_str().unwrap()), (304, 0, tag));
    assert_eq!(seen(&server, &ana, &format!("{path}/thumb")).await, 404, "words have no thumbnail");
    server.stop().await;
});

each_engine!(what_a_browser_could_run_is_never_shown, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    for (name, content, mime, shown) in [
        ("page.png", b"<!DOCTYPE html><script>alert(1)</script>".as_slice(), "application/octet-stream", false),
        ("cat.svg", svg, "application/octet-stream", false),
        ("cat.gif.html", b"GIF89a/*<script>alert(1)</script>*/=1;", "image/gif", true),
        ("bill.html", b"%PDF-1.7\n<script>alert(1)</script>", "application/pdf", false),
        ("a.jpg", b"PK\x03\x04\x14\0<html><script>alert(1)</script>", "application/zip", false),
        ("run.txt", b"#!/bin/sh\nrm -rf /\n", "application/octet-stream", false),
        ("photo.jpg.exe", b"MZ\x90\0\x03\0\0\0", "application/octet-stream", false),
    ] {
        let file = one(&server, &ana, name, content).await;
        assert_eq!((file["mime"].as_str(), &file["thumbUrl"]), (Some(mime), &Value::Null), "{name}");
        let (_, headers, body) = fetched(&server, &ana, Method::GET, url(&file), &[]).await;
        assert!(body == content);
        assert_eq!(headers["content-type"], mime);
        let how = headers["content-disposition"].to_str().unwrap();
        assert_eq!(how.starts_with("inline"), shown, "{name}");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["content-security-policy"], "default-src 'none'; sandbox");
    }
    for (name, want) in [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("/etc/shadow", "shadow"),
        ("C:\\evil.exe", "evil.exe"),
        ("..", "file"),
    ] {
        let file = one(&server, &ana, name, b"words").await;
        assert_eq!(file["name"], want, "{name:?}");
        let (_, headers, _) = fetched(&server, &ana, Method::GET, url(&file), &[]).await;
        let how = headers["content-disposition"].to_str().unwrap();
        assert_eq!(how, format!("attachment; filename=\"{want}\"; filename*=UTF-8''{want}"));
    }
    server.stop().await;
});

fn small(home: &Home) -> Config {
    let files = FileSettings { max_size: 1_000, max_count: 2, daily_quota: 2_500, ..FileSettings::default() };
    Config { files, ..config(home) }
}

each_engine!(limits_hold_and_what_is_refused_leaves_nothing, |home| async move {
    let server = Server::start_with(small(&home)).await;
    let ana = server.register("ana").await;
    let (fits, exceeds) = ([b'x'; 1_000], [b'x'; 1_001]);
    upload(&server, &ana, &[("a", &fits), ("b", &exceeds)]).await.refused(413, "too_large");
    upload(&server, &ana, &[("a", &vec![b'x'; 3_000_000])]).await.refused(413, "too_large");
    let many = upload(&server, &ana, &[("a", b"x"), ("b", b"x"), ("c", b"x")]).await;
    assert_eq!(many.refused(422, "invalid").faults(), [("file", "too_many")]);
    assert_eq!(upload(&server, &ana, &[]).await.refused(422, "invalid").faults(), [("file", "required")]);
    assert_eq!(upload(&server, &ana, &[("a", b"")]).await.refused(422, "invalid").faults(), [("file", "empty")]);
    let field = "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n--b--\r\n";
    server.send(uploading(&server, &ana, field)).await.refused(422, "invalid");
    server.post(&ana, "/files", json!({})).await.refused(415, "unsupported_media_type");
    let cut = form(&[("a", &fits)]);
    server.send(uploading(&server, &ana, cut[..500].to_vec())).await.refused(400, "malformed");
    let anonymous =
        server.request(Method::POST, "/files", None).header("content-type", "multipart/form-data; boundary=b");
    server.send(anonymous.body(form(&[("a", b"x")]))).await.refused(401, "unauthenticated");
    nothing_lies(&home).await;

    let two = upload(&server, &ana, &[("a", &fits), ("b", &fits)]).await.expect(StatusCode::CREATED);
    assert_eq!(two["items"].as_array().unwrap().len(), 2);
    let reply = upload(&server, &ana, &[("c", &fits)]).await;
    reply.refused(429, "quota_exceeded");
    assert!(reply.header("retry-after").is_some());
    one(&server, &ana, "c", &fits[..500]).await;
    let ben = server.register("ben").await;
    one(&server, &ben, "c", &fits).await;
    server.stop().await;
});

each_engine!(a_client_that_goes_away_leaves_nothing, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let head = b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n".to_vec();
    // A whole part of an upload has come, and then nothing more.
    let (sender, pieces) = tokio::sync::mpsc::unbounded_channel();
    let pieces = futures_util::stream::unfold(pieces, |mut pieces| async move {
        let piece: Result<Vec<u8>, std::io::Error> = pieces.recv().await?;
        Some((piece, pieces))
    });
    let request = uploading(&server, &ana, reqwest::Body::wrap_stream(pieces));
    let sending = tokio::spawn(request.send());
    sender.send(Ok(head)).unwrap();
    sender.send(Ok(vec![b'x'; 6 << 20])).unwrap();
    let folder = config(&home).data.join("files");
    until("it to be on its way", async || lying(&folder) > 0).await;
    sending.abort();
    drop(sender);
    nothing_lies(&home).await;
    server.stop().await;
});

each_engine!(whoever_sends_too_slowly_is_told_so, |home| async move {
    let server = Server::start_with(Config { patience: Duration::from_millis(300), ..config(&home) }).await;
    let ana = server.register("ana").await;
    let head = b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nx".to_vec();
    let pieces = futures_util::stream::iter([Ok::<_, std::io::Error>(head)]);
    let pieces = futures_util::StreamExt::chain(pieces, futures_util::stream::pending());
    let reply = server.send(uploading(&server, &ana, reqwest::Body::wrap_stream(pieces))).await;
    reply.refused(408, "too_slow");
    nothing_lies(&home).await;
    server.stop().await;
});

each_engine!(the_same_key_is_the_same_file, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let bring = |files: Vec<u8>| uploading(&server, &ana, files).header("idempotency-key", "once");
    let files: [(&str, &[u8]); 2] = [("a.txt", b"one"), ("b.txt", b"two")];
    let first = server.send(bring(form(&files))).await.expect(StatusCode::CREATED);
    let again = server.send(bring(form(&files))).await.expect(StatusCode::CREATED);
    assert_eq!(first, again);
    server.send(bring(form(&[("a.txt", b"other")]))).await.refused(409, "idempotency_key_reused");
    let folder = config(&home).data.join("files");
    until("the bytes that came again to be gone", async || lying(&folder) == 2).await;
    assert_eq!(seen(&server, &ana, url(&first["items"][1])).await, 200);
    server.stop().await;
});

each_mix!(pictures_of_people_are_for_anybody_and_of_groups_for_members, |home| async move {
    let server = Server::start(&home).await;
    let [ana, ben, eve] = [server.register("ana").await, server.register("ben").await, server.register("eve").await];
    let (face, flag) = (one(&server, &ana, "a.png", &png(4, 4)).await, one(&server, &ana, "b.png", &png(4, 4)).await);
    let mine = json!({"avatarUrl": face["fileUrl"]});
    let stolen = server.call(&ben, Method::PATCH, "/users/me", mine.clone()).await;
    assert_eq!(stolen.refused(422, "invalid").faults(), [("avatarUrl", "not_found")]);
    server.call(&ana, Method::PATCH, "/users/me", mine).await.expect(StatusCode::OK);
    assert_eq!(seen(&server, &eve, url(&face)).await, 200);
    let new = json!({"type": "group", "members": [ben.id], "avatarUrl": flag["thumbUrl"]});
    server.post(&ana, "/conversations", new).await.expect(StatusCode::CREATED);
    let thumb = flag["thumbUrl"].as_str().unwrap();
    assert_eq!((seen(&server, &ben, thumb).await, seen(&server, &eve, thumb).await), (200, 404));
    assert_eq!(seen(&server, &ben, url(&flag)).await, 404, "the thumbnail is not the picture");
    server.call(&ana, Method::PATCH, "/users/me", json!({"avatarUrl": null})).await.expect(StatusCode::OK);
    assert_eq!((seen(&server, &eve, url(&face)).await, seen(&server, &ana, url(&face)).await), (404, 200));
    server.stop().await;
});

each_mix!(what_nothing_refers_to_is_removed_a_day_later, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let pair = server.conversation(&ana, "direct", &[&ben]).await;
    let kept = one(&server, &ana, "kept.png", &png(4, 4)).await;
    let removed = one(&server, &ana, "removed.png", &png(4, 4)).await;
    let orphan = one(&server, &ana, "orphan.png", &png(4, 4)).await;
    attach(&server, &ana, &pair, &kept).await.expect(StatusCode::CREATED);
    let message = attach(&server, &ana, &pair, &removed).await.expect(StatusCode::CREATED);
    let path = format!("/messages/{}?for=everyone", message["id"].as_str().unwrap());
    server.call(&ana, Method::DELETE, &path, Value::Null).await.expect(StatusCode::NO_CONTENT);
    let folder = config(&home).data.join("files");
    assert_eq!(lying(&folder), 6, "with their thumbnails");

    let house = house(&server);
    assert_eq!(house.collect(in_hours(&server, LATER / 2)).await.unwrap(), 0, "not yet");
    assert_eq!(house.collect(in_hours(&server, LATER)).await.unwrap(), 2);
    assert_eq!(house.collect(in_hours(&server, LATER)).await.unwrap(), 0);
    assert_eq!(lying(&folder), 2);
    assert!(server.app.progress.wait(server.head().await, &projections::Projection::ALL, DEADLINE).await);
    for gone in [&removed, &orphan] {
        assert_eq!(seen(&server, &ana, url(gone)).await, 404);
        let late = attach(&server, &ana, &pair, gone).await;
        assert_eq!(late.refused(422, "invalid").faults()[0], ("attachments[0].fileUrl", "not_found"));
    }
    assert_eq!(seen(&server, &ben, url(&kept)).await, 200);
    server.stop().await;
});

each_engine!(whatever_was_cut_off_is_done_again, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let pair = server.conversation(&ana, "direct", &[&ben]).await;
    let (house, folder) = (house(&server), config(&home).data.join("files"));
    let id = |file: &Value| file["id"].as_str().unwrap().parse::<Uuid>().unwrap();

    // A message came between the look and the collecting: the file stays.
    let raced = one(&server, &ana, "raced.txt", b"words").await;
    attach(&server, &ana, &pair, &raced).await.expect(StatusCode::CREATED);
    server.app.commands.collect_file(id(&raced).into()).await.unwrap();
    // A process was killed when the bytes were gone and the log did not know it.
    let halfway = one(&server, &ana, "halfway.txt", b"words").await;
    server.app.commands.collect_file(id(&halfway).into()).await.unwrap();
    server.app.files.blobs().delete(blobs::BlobKey::content(id(&halfway))).await.unwrap();
    assert_eq!(house.collect(in_hours(&server, 0)).await.unwrap(), 1);
    assert!(server.app.progress.wait(server.head().await, &projections::Projection::ALL, DEADLINE).await);
    assert_eq!((seen(&server, &ben, url(&raced)).await, seen(&server, &ana, url(&halfway)).await), (200, 404));
    attach(&server, &ana, &pair, &raced).await.expect(StatusCode::CREATED);

    // A process was killed between the bytes and the event.
    let mut stray = server.app.files.blobs().upload(blobs::BlobKey::content((server.app.ids)()));
    stray.write("nobody's".into()).await.unwrap();
    stray.finish().await.unwrap();
    assert_eq!(lying(&folder), 2);
    assert_eq!(house.sweep(in_hours(&server, 0)).await.unwrap(), 0, "it may be on its way");
    assert_eq!(house.sweep(in_hours(&server, LATER)).await.unwrap(), 1);
    assert_eq!(lying(&folder), 1);
    server.stop().await;
});

each_engine!(who_is_forgotten_leaves_no_files, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let pair = server.conversation(&ana, "direct", &[&ben]).await;
    let carried = one(&server, &ana, "a.png", &png(4, 4)).await;
    attach(&server, &ana, &pair, &carried).await.expect(StatusCode::CREATED);
    one(&server, &ana, "b.txt", b"words").await;
    let other = one(&server, &ben, "c.txt", b"words").await;
    let (house, user) = (house(&server), ana.id.parse::<Uuid>().unwrap().into());
    assert_eq!(house.forget(user).await.unwrap(), 2);
    assert!(server.app.progress.wait(server.head().await, &projections::Projection::ALL, DEADLINE).await);
    assert_eq!(house.forget(user).await.unwrap(), 0);
    assert_eq!(lying(&config(&home).data.join("files")), 1);
    assert_eq!((seen(&server, &ben, url(&carried)).await, seen(&server, &ben, url(&other)).await), (404, 200));

    let export = server.get(&ben, "/users/me/export").await.expect(StatusCode::OK);
    assert_eq!(export["files"], json!([other]));
    let erased = server.call(&ben, Method::DELETE, "/users/me", json!({"password": support::PASSWORD})).await;
    erased.expect(StatusCode::NO_CONTENT);
    nothing_lies(&home).await;
    server.stop().await;
});

each_mix!(what_a_story_shows_is_for_those_who_see_the_story, |home| async move {
    let server = Server::start(&home).await;
    let [ana, ben, eve] = [server.register("ana").await, server.register("ben").await, server.register("eve").await];
    server.post(&ana, "/friends", json!({"userId": ben.id})).await.expect(StatusCode::CREATED);
    server.post(&ben, &format!("/friends/{}/accept", ana.id), Value::Null).await.expect(StatusCode::OK);
    let (sun, sea) = (one(&server, &ana, "a.png", &png(4, 4)).await, one(&server, &ana, "b.png", &png(4, 4)).await);
    let stolen = server.post(&ben, "/stories", json!({"content": "mine", "mediaUrl": sun["fileUrl"]})).await;
    assert_eq!(stolen.refused(422, "invalid").faults(), [("mediaUrl", "not_found")]);
    let shown = server.post(&ana, "/stories", json!({"content": "sun", "mediaUrl": sun["fileUrl"]})).await;
    let path = format!("/stories/{}", shown.expect(StatusCode::CREATED)["id"].as_str().unwrap());
    assert_eq!((seen(&server, &ben, url(&sun)).await, seen(&server, &eve, url(&sun)).await), (200, 404));
    let edit = json!({"mediaUrl": sea["fileUrl"]});
    server.call(&ana, Method::PATCH, &path, edit).await.expect(StatusCode::OK);
    assert_eq!((seen(&server, &ben, url(&sun)).await, seen(&server, &ben, url(&sea)).await), (404, 200));
    server.call(&ana, Method::DELETE, &path, Value::Null).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(seen(&server, &ben, url(&sea)).await, 404);
    server.stop().await;
});
