//! Uploads: limits, uploads that break off, keys.

use super::{fetched, form, lying, nothing_lies, one, seen, upload, uploading, url};
use crate::support::{DEADLINE, Person, Server, config, until};
use config::{Config, FileSettings};
use reqwest::{Method, StatusCode};
use serde_json::json;
use std::time::Duration;
use testkit::{Home, each_engine};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

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
    let strange = server.send(uploading(&server, &ana, field.replace("file", "caption"))).await;
    assert_eq!(strange.refused(422, "unknown_field").faults(), [("caption", "unknown_field")]);
    let named = "--b\r\nContent-Disposition: form-data; name=\"fiel\"; filename=\"a\"\r\n\r\nx\r\n--b--\r\n";
    let strange = server.send(uploading(&server, &ana, named)).await;
    assert_eq!(strange.refused(422, "unknown_field").faults(), [("fiel", "unknown_field")]);
    let latin = [&b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\xe9\"\r\n\r\nx\r\n--b--\r\n"[..]]
        .concat();
    let strange = server.send(uploading(&server, &ana, latin)).await;
    assert_eq!(strange.refused(422, "invalid").faults(), [("file", "malformed")]);
    server.post(&ana, "/files", json!({})).await.refused(415, "unsupported_media_type");
    let cut = form(&[("a", &fits)]);
    server.send(uploading(&server, &ana, cut[..500].to_vec())).await.refused(400, "malformed");
    let anonymous =
        server.request(Method::POST, "/files", None).header("content-type", "multipart/form-data; boundary=b");
    server.send(anonymous.body(form(&[("a", b"x")]))).await.refused(401, "unauthenticated");
    nothing_lies(&home).await;

    let ben = server.register("ben").await;
    for (name, file_name) in
        [("file", "FILENAME"), ("files", "filename"), ("file[]", "Filename"), ("files[]", "filename")]
    {
        let body = format!(
            "--b\r\nContent-Disposition: form-data; name=\"{name}\"; {file_name}=\"a.txt\"\r\n\r\nx\r\n--b--\r\n"
        );
        let seen = server.send(uploading(&server, &ben, body)).await.expect(StatusCode::CREATED);
        assert_eq!(seen["name"], "a.txt", "{name}");
    }
    let two = upload(&server, &ana, &[("a", &fits), ("b", &fits)]).await.expect(StatusCode::CREATED);
    assert_eq!(two["items"].as_array().unwrap().len(), 2);
    let reply = upload(&server, &ana, &[("c", &fits)]).await;
    reply.refused(429, "quota_exceeded");
    assert!(reply.header("retry-after").is_some());
    one(&server, &ana, "c", &fits[..500]).await;
    let cleo = server.register("cleo").await;
    one(&server, &cleo, "c", &fits).await;
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

/// How somebody hangs up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goes {
    /// Says that nothing more comes, and reads the answer.
    Halfway,
    /// Is gone.
    Silently,
    /// Is gone, with a reset.
    Abruptly,
}

/// Sends so much of an upload and hangs up.
async fn cut(server: &Server, person: &Person, body: &[u8], sent: usize, goes: Goes) {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST /files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\
         Content-Type: multipart/form-data; boundary=b\r\n\r\n",
        person.token,
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // Whatever is refused may be hung up on from the other side.
    let _ = stream.write_all(&body[..sent]).await;
    match goes {
        Goes::Halfway => {
            stream.shutdown().await.unwrap();
            let mut answer = Vec::new();
            let _ = timeout(DEADLINE, stream.read_to_end(&mut answer)).await.expect("the server hangs up");
            assert!(!answer.starts_with(b"HTTP/1.1 2"), "{sent} of {} bytes", body.len());
        }
        Goes::Silently => (),
        Goes::Abruptly => stream.set_zero_linger().unwrap(),
    }
}

each_engine!(uploads_that_are_cut_off_anywhere_give_everything_back, |home| async move {
    const SIZE: usize = 200_000;
    // Room for two such files, once.
    let files = FileSettings { daily_count: 2, daily_quota: 2 * SIZE as u64, ..FileSettings::default() };
    let server = Server::start_with(Config { files, ..config(&home) }).await;
    let ana = server.register("ana").await;
    let content = vec![b'x'; SIZE];
    let body = form(&[("a", &content), ("b", &content)]);
    let first = form(&[("a", &content)]).len();
    let folder = config(&home).data.join("files");
    for goes in [Goes::Halfway, Goes::Silently, Goes::Abruptly] {
        for sent in
            [0, 1, 40, 110, SIZE / 2, first - 8, first, first + 60, first + SIZE / 2, body.len() - 8, body.len() - 4]
        {
            // More than the account may have under way at once, should one be kept.
            cut(&server, &ana, &body, sent, goes).await;
        }
        nothing_lies(&home).await;
    }
    let export = server.get(&ana, "/users/me/export").await.expect(StatusCode::OK);
    assert_eq!(export["files"], json!([]));
    let uploaded = async {
        loop {
            let reply = upload(&server, &ana, &[("a", &content), ("b", &content)]).await;
            // The last ones may still be on their way out.
            if reply.status != StatusCode::TOO_MANY_REQUESTS {
                return reply.expect(StatusCode::CREATED);
            }
        }
    };
    let both = timeout(DEADLINE, uploaded).await.expect("places and budgets are given back");
    for file in both["items"].as_array().unwrap() {
        assert_eq!(fetched(&server, &ana, Method::GET, url(file), &[]).await.2, content);
    }
    assert_eq!(lying(&folder), 2);

    // Who sent everything, and did not stay for the answer: each file is there whole, or not at all.
    let ben = server.register("ben").await;
    let small = form(&[("a", b"whole")]);
    for goes in [Goes::Silently, Goes::Abruptly] {
        cut(&server, &ben, &small, small.len(), goes).await;
    }
    let whole = async || {
        let export = server.get(&ben, "/users/me/export").await.expect(StatusCode::OK);
        let files = export["files"].as_array().unwrap().clone();
        for file in &files {
            assert_eq!(fetched(&server, &ben, Method::GET, url(file), &[]).await.2, b"whole");
        }
        lying(&folder) == 2 + files.len()
    };
    until("what lies to be what is known", whole).await;
    server.stop().await;
});

each_engine!(a_slow_upload_is_refused_as_such, |home| async move {
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
