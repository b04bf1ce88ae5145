//! The removal of files that nothing refers to.

use super::{LATER, attach, file_gc, in_hours, lying, nothing_lies, one, png, seen, url};
use crate::support::{self, DEADLINE, Server, config};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::{each_engine, each_mix};
use uuid::Uuid;

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

    let file_gc = file_gc(&server);
    assert_eq!(file_gc.collect(in_hours(&server, LATER / 2)).await.unwrap(), 0, "not yet");
    assert_eq!(file_gc.collect(in_hours(&server, LATER)).await.unwrap(), 2);
    assert_eq!(file_gc.collect(in_hours(&server, LATER)).await.unwrap(), 0);
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
    let (file_gc, folder) = (file_gc(&server), config(&home).data.join("files"));
    let id = |file: &Value| file["id"].as_str().unwrap().parse::<Uuid>().unwrap();

    // A message came between the look and the collecting: the file stays.
    let raced = one(&server, &ana, "raced.txt", b"words").await;
    attach(&server, &ana, &pair, &raced).await.expect(StatusCode::CREATED);
    server.app.commands.collect_file(id(&raced).into()).await.unwrap();
    // A process was killed when the bytes were gone and the log did not know it.
    let halfway = one(&server, &ana, "halfway.txt", b"words").await;
    server.app.commands.collect_file(id(&halfway).into()).await.unwrap();
    server.app.files.blobs().delete(blobs::BlobKey::content(id(&halfway))).await.unwrap();
    assert_eq!(file_gc.collect(in_hours(&server, 0)).await.unwrap(), 1);
    assert!(server.app.progress.wait(server.head().await, &projections::Projection::ALL, DEADLINE).await);
    assert_eq!((seen(&server, &ben, url(&raced)).await, seen(&server, &ana, url(&halfway)).await), (200, 404));
    attach(&server, &ana, &pair, &raced).await.expect(StatusCode::CREATED);

    // A process was killed between the bytes and the event.
    let mut orphan = server.app.files.blobs().upload(blobs::BlobKey::content((server.app.ids)()));
    orphan.write("nobody's".into()).await.unwrap();
    orphan.finish().await.unwrap();
    assert_eq!(lying(&folder), 2);
    assert_eq!(file_gc.sweep(in_hours(&server, 0)).await.unwrap(), 0, "it may be on its way");
    assert_eq!(file_gc.sweep(in_hours(&server, LATER)).await.unwrap(), 1);
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
    let (file_gc, user) = (file_gc(&server), ana.id.into());
    assert_eq!(file_gc.forget(user).await.unwrap(), 2);
    assert!(server.app.progress.wait(server.head().await, &projections::Projection::ALL, DEADLINE).await);
    assert_eq!(file_gc.forget(user).await.unwrap(), 0);
    assert_eq!(lying(&config(&home).data.join("files")), 1);
    assert_eq!((seen(&server, &ben, url(&carried)).await, seen(&server, &ben, url(&other)).await), (404, 200));

    let export = server.get(&ben, "/users/me/export").await.expect(StatusCode::OK);
    assert_eq!(export["files"], json!([other]));
    let erased = server.call(&ben, Method::DELETE, "/users/me", json!({"password": support::PASSWORD})).await;
    erased.expect(StatusCode::NO_CONTENT);
    nothing_lies(&home).await;
    server.stop().await;
});
