//! Who sees a file, and how it is answered.

use super::{attach, fetched, one, png, seen, upload, url};
use crate::support::{Person, Server, config};
use config::Config;
use domain::Timestamp;
use image::ImageFormat;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, Instant},
};
use testkit::{each_engine, each_mix};
use uuid::Uuid;

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
    assert_eq!(seen(&server, &ana, "/files/..%2f..%2fmaster.key").await, 422);
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
    let (status, _, body) = fetched(&server, &ana, Method::GET, path, &[("range", "bytes=-5000")]).await;
    assert_eq!((status, body.as_slice()), (206, b"0123456789".as_slice()), "all there is");
    let (status, headers, _) = fetched(&server, &ana, Method::HEAD, path, &[("range", "bytes=0-3")]).await;
    assert_eq!((status, &headers["content-length"]), (200, &"10".parse().unwrap()));
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
        ("cat.gif.html", b"GIF89a/*<script>alert(1)</script>*/=1;", "application/octet-stream", false),
        ("cat.bmp.html", b"BM=1/*<script>alert(1)</script>*/", "application/octet-stream", false),
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

each_mix!(pictures_of_people_are_for_who_can_find_them_and_of_groups_for_members, |home| async move {
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
    server.call(&ana, Method::PATCH, "/users/me", json!({"avatarUrl": face["fileUrl"]})).await.expect(StatusCode::OK);
    server.post(&ana, &format!("/friends/{}/block", eve.id), Value::Null).await.expect(StatusCode::OK);
    assert_eq!((seen(&server, &eve, url(&face)).await, seen(&server, &ben, url(&face)).await), (404, 200));
    server.post(&ana, "/users/me/deactivate", Value::Null).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(seen(&server, &ben, url(&face)).await, 404, "nobody finds who is deactivated");
    server.stop().await;
});

each_mix!(a_download_ends_with_the_right_to_it, |home| async move {
    let server = Server::start(&home).await;
    let [ana, ben] = [server.register("ana").await, server.register("ben").await];
    let room = server.conversation(&ana, "group", &[&ben]).await;
    let file = one(&server, &ana, "big", &vec![7_u8; 24 << 20]).await;
    let sent = attach(&server, &ana, &room, &file).await.expect(StatusCode::CREATED);
    let fetch = |person: &Person| server.request(Method::GET, url(&file), Some(&person.token)).send();
    let (mut ends, mut goes_on) = (fetch(&ben).await.unwrap(), fetch(&ana).await.unwrap());
    assert!(ends.chunk().await.unwrap().is_some() && goes_on.chunk().await.unwrap().is_some());
    let path = format!("/messages/{}?for=everyone", sent["id"].as_str().unwrap());
    server.call(&ana, Method::DELETE, &path, Value::Null).await.expect(StatusCode::NO_CONTENT);
    // It is looked at again four times a second.
    let since = Instant::now();
    while seen(&server, &ben, url(&file)).await == 200 || since.elapsed() < Duration::from_millis(300) {}
    let all = async |response: &mut reqwest::Response| -> Result<usize, reqwest::Error> {
        let mut read = 0;
        while let Some(piece) = response.chunk().await? {
            read += piece.len();
        }
        Ok(read)
    };
    assert!(all(&mut ends).await.is_err(), "it breaks off");
    assert!(all(&mut goes_on).await.unwrap() > 12 << 20, "its owner's goes on");
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

each_mix!(a_visible_file_can_be_forwarded_with_its_true_type, |home| async move {
    let server = Server::start(&home).await;
    let [ana, ben, eve] = [server.register("ana").await, server.register("ben").await, server.register("eve").await];
    let (first, second) =
        (server.conversation(&ana, "direct", &[&ben]).await, server.conversation(&ben, "direct", &[&eve]).await);
    let file = one(&server, &ana, "a.png", &png(4, 4)).await;
    attach(&server, &ben, &second, &file).await.refused(422, "invalid");
    let seen_by_ben = attach(&server, &ana, &first, &file).await.expect(StatusCode::CREATED);
    let claims = json!({"fileUrl": file["fileUrl"], "name": "holiday.exe", "size": 7, "mime": "text/html"});
    let body = json!({"messageType": "FILE", "content": "look", "attachments": [claims]});
    let passed_on = server.post(&ben, &format!("/conversations/{second}/messages"), body).await;
    let stored = json!({
        "fileUrl": file["fileUrl"], "thumbUrl": file["thumbUrl"], "name": "a.png", "size": file["size"],
        "mime": "image/png",
    });
    assert_eq!(passed_on.expect(StatusCode::CREATED)["attachments"], json!([stored]));
    assert_eq!(seen(&server, &eve, url(&file)).await, 200);
    // What was passed on stays when what it came with goes.
    let path = format!("/messages/{}?for=everyone", seen_by_ben["id"].as_str().unwrap());
    server.call(&ana, Method::DELETE, &path, Value::Null).await.expect(StatusCode::NO_CONTENT);
    assert_eq!((seen(&server, &eve, url(&file)).await, seen(&server, &ben, url(&file)).await), (200, 200));
    let face = json!({"avatarUrl": file["fileUrl"]});
    let stolen = server.call(&eve, Method::PATCH, "/users/me", face).await;
    assert_eq!(stolen.refused(422, "invalid").faults(), [("avatarUrl", "not_found")]);
    server.stop().await;
});

each_mix!(links_lead_to_this_server_and_to_hosts_that_it_names, |home| async move {
    let link_hosts = ["cdn.example".to_owned()].into_iter().collect();
    let server = Server::start_with(Config { link_hosts, ..config(&home) }).await;
    let ana = server.register("ana").await;
    let room = server.conversation(&ana, "group", &[]).await;
    let messages = format!("/conversations/{room}/messages");
    let story = server.post(&ana, "/stories", json!({"content": "sun"})).await.expect(StatusCode::CREATED);
    let (room, story) = (format!("/conversations/{room}"), format!("/stories/{}", story["id"].as_str().unwrap()));
    let message = |file: &str, thumb: &str| json!({"messageType": "IMAGE", "content": "", "attachments": [{"fileUrl": file, "thumbUrl": thumb}]});
    let fine = "https://cdn.example/a.png";
    let id = "01900000-0000-7000-8000-00000000f11e";
    let respelt =
        ["/./files/", "/files/./", "/files/x/../", "/files//", "/%66iles/", "/files\\"].map(|to| format!("{to}{id}"));
    let elsewhere = [
        "http://cdn.example/a.png",
        "https://tracker.example/p.gif",
        "https://169.254.169.254/",
        "/\\evil.example/x",
        "/files/links/eyJ",
        "/\u{202e}gnp.exe",
        "/\"onerror=alert(1)",
    ];
    for link in respelt.iter().map(String::as_str).chain(elsewhere) {
        let avatar = json!({"avatarUrl": link});
        let group = json!({"type": "group", "members": [], "avatarUrl": link});
        for (method, path, body, field) in [
            (Method::PATCH, "/users/me", avatar.clone(), "avatarUrl"),
            (Method::PATCH, room.as_str(), avatar, "avatarUrl"),
            (Method::POST, "/conversations", group, "avatarUrl"),
            (Method::POST, "/stories", json!({"content": "x", "mediaUrl": link}), "mediaUrl"),
            (Method::PATCH, story.as_str(), json!({"mediaUrl": link}), "mediaUrl"),
            (Method::POST, messages.as_str(), message(link, fine), "attachments[0].fileUrl"),
            (Method::POST, messages.as_str(), message(fine, link), "attachments[0].thumbUrl"),
        ] {
            let refused = server.call(&ana, method, path, body).await;
            assert_eq!(refused.refused(422, "invalid").faults(), [(field, "malformed")], "{path} {link}");
        }
    }
    server.call(&ana, Method::PATCH, "/users/me", json!({"avatarUrl": fine})).await.expect(StatusCode::OK);
    let (picture, words) = (one(&server, &ana, "a.png", &png(4, 4)).await, server.file(&ana).await);
    let thumb = picture["thumbUrl"].as_str().unwrap();
    let sent = server.post(&ana, &messages, message(fine, thumb)).await.expect(StatusCode::CREATED);
    assert_eq!(
        (&sent["attachments"][0]["fileUrl"], &sent["attachments"][0]["thumbUrl"]),
        (&json!(fine), &json!(thumb))
    );
    let sent = server.post(&ana, &messages, message("/pictures/1", fine)).await.expect(StatusCode::CREATED);
    assert_eq!(sent["attachments"][0]["fileUrl"], "/pictures/1", "another path of this server");
    let refused = server.post(&ana, &messages, message(fine, &format!("{}/thumb", url(&words)))).await;
    assert_eq!(refused.refused(422, "invalid").faults(), [("attachments[0].thumbUrl", "not_found")], "it has none");
    server.stop().await;
    // What was accepted once stays, and may be said again.
    let server = Server::start(&home).await;
    let change = json!({"firstName": "Anna", "avatarUrl": fine});
    let changed = server.call(&ana, Method::PATCH, "/users/me", change).await.expect(StatusCode::OK);
    assert_eq!((&changed["firstName"], &changed["avatarUrl"]), (&json!("Anna"), &json!(fine)));
    server.stop().await;
});

each_mix!(a_link_shows_what_who_asked_for_it_may_see_when_it_is_followed, |home| async move {
    static AHEAD: AtomicI64 = AtomicI64::new(0);
    fn clock() -> Timestamp {
        Timestamp::from_millis((Config::default().clock)().millis() + AHEAD.load(Ordering::Relaxed))
    }
    let server = Server::start_with(Config { clock, ..config(&home) }).await;
    let [ana, ben] = [server.register("ana").await, server.register("ben").await];
    let group = server.conversation(&ana, "group", &[&ben]).await;
    let (file, own) = (one(&server, &ana, "a.png", &png(640, 320)).await, one(&server, &ana, "b.txt", b"words").await);
    attach(&server, &ana, &group, &file).await.expect(StatusCode::CREATED);
    let links = async |person: &Person| {
        let ids = json!({"ids": [file["id"], own["id"], Uuid::nil()]});
        server.post(person, "/files/links", ids).await.expect(StatusCode::OK)["items"].as_array().unwrap().clone()
    };
    let follow = async |url: &Value| {
        let response = server.request(Method::GET, url.as_str().unwrap(), None).send().await.unwrap();
        (response.status().as_u16(), response.bytes().await.unwrap().len())
    };
    let of_ana = links(&ana).await;
    assert_eq!(of_ana.iter().map(|link| &link["id"]).collect::<Vec<_>>(), [&file["id"], &own["id"]]);
    assert_eq!(of_ana[1]["thumbUrl"], Value::Null);
    let of_ben = links(&ben).await;
    assert_eq!(of_ben.len(), 1, "what one does not see is left out");
    let (url, thumb) = (&of_ben[0]["url"], &of_ben[0]["thumbUrl"]);
    assert_eq!(follow(url).await, (200, png(640, 320).len()));
    assert_eq!(follow(thumb).await.0, 200);
    for (url, who, embedded_by) in [
        (url, None, "cross-origin"),
        (thumb, None, "cross-origin"),
        (&file["fileUrl"], Some(&*ben.token), "same-origin"),
    ] {
        let response = server.request(Method::GET, url.as_str().unwrap(), who).send().await.unwrap();
        assert_eq!(response.headers()["cross-origin-resource-policy"], embedded_by, "{url}");
    }
    let until = Timestamp::parse(of_ben[0]["expiresAt"].as_str().unwrap()).unwrap();
    assert!(until.millis() - clock().millis() <= 10 * 60 * 1_000);
    let forged = format!("{}x", url.as_str().unwrap());
    assert_eq!(follow(&json!(forged)).await.0, 404);
    // Of a picture whose thumbnail alone is shown, both lead to the thumbnail.
    let face = one(&server, &ana, "face.png", &png(640, 320)).await;
    server.call(&ana, Method::PATCH, "/users/me", json!({"avatarUrl": face["thumbUrl"]})).await.expect(StatusCode::OK);
    assert_eq!(seen(&server, &ben, face["fileUrl"].as_str().unwrap()).await, 404);
    let shown = server.post(&ben, "/files/links", json!({"ids": [face["id"]]})).await.expect(StatusCode::OK);
    let [shown] = shown["items"].as_array().unwrap().as_slice() else { panic!("{shown}") };
    let small = follow(&shown["thumbUrl"]).await;
    assert_eq!((small.0, follow(&shown["url"]).await), (200, small));
    server.call(&ana, Method::PATCH, "/users/me", json!({"avatarUrl": null})).await.expect(StatusCode::OK);
    assert_eq!((follow(&shown["url"]).await.0, follow(&shown["thumbUrl"]).await.0), (404, 404));

    server.post(&ben, &format!("/conversations/{group}/leave"), Value::Null).await.expect(StatusCode::NO_CONTENT);
    assert_eq!((follow(url).await.0, follow(thumb).await.0), (404, 404), "they no longer see it");
    assert_eq!(follow(&of_ana[0]["url"]).await.0, 200);
    AHEAD.store(10 * 60 * 1_000, Ordering::Relaxed);
    assert_eq!(follow(&of_ana[0]["url"]).await.0, 404, "it is over");
    let again = links(&ana).await;
    assert_eq!(follow(&again[1]["url"]).await, (200, 5));
    server.post(&ana, "/auth/logout", Value::Null).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(follow(&again[1]["url"]).await.0, 404, "its session is over");
    server.stop().await;
});
