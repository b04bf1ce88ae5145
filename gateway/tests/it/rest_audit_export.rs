//! The audit log as a file.

use crate::{
    rest_audit::ok,
    support::{DEADLINE, Person, Server},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::each_engine;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpSocket,
    time::timeout,
};

each_engine!(an_export_has_all_and_is_safe_to_open, |home| async move {
    let server = Server::start(&home).await;
    let (root, ana) = (server.administrator().await, server.register("ana").await);
    let room = server.conversation(&ana, "group", &[]).await;
    let path = format!("/conversations/{room}/messages");
    let body = json!({"messageType": "TEXT", "content": "he said \"1,2\""});
    let request = server.request(Method::POST, &path, Some(&ana.token)).header("Idempotency-Key", "=HYPERLINK(\"x\")");
    server.send(request.json(&body)).await.expect(StatusCode::CREATED);
    for n in 0..20 {
        server.text(&ana, &room, &format!("number {n}")).await;
    }
    let export = async |query: &str| {
        let path = format!("/admin/audit/export?{query}");
        let answer = server.request(Method::GET, &path, Some(&root.token)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        let headers = (header("content-type"), header("content-disposition"), header("x-chatchit-indexed-to"));
        (headers, answer.text().await.unwrap())
    };
    let ((kind, name, indexed_to), text) = export(&format!("type=message.sent&scope={room}")).await;
    assert_eq!((kind.as_str(), name.as_str()), ("application/x-ndjson", "attachment; filename=\"audit.ndjson\""));
    assert!(indexed_to.parse::<u64>().unwrap() >= 21);
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let seqs: Vec<_> = events.iter().map(|event| event["scopeSeq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=21).collect::<Vec<_>>(), "all of them, the oldest first");
    assert_eq!(events[20]["payload"]["content"]["value"]["body"], "number 19");

    let ((kind, ..), text) = export(&format!("format=csv&type=message.sent&scope={room}")).await;
    assert!(kind.starts_with("text/csv"), "{kind}");
    let lines: Vec<_> = text.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 22);
    assert!(lines[0].starts_with("position,at,aggregateType"));
    // A key that a client made up stands there as a hash, whatever it was.
    assert!(lines[1].contains(r#","k."#) && !lines[1].contains("HYPERLINK"), "{}", lines[1]);
    assert!(lines[1].contains(r#"he said \""1,2\"""#), "{}", lines[1]);
    let (_, nothing) = export(&format!("type=message.sent&actor={}", root.id)).await;
    assert_eq!(nothing, "");
    let (_, all) = export("").await;
    let all = all.lines().count() as u64;
    assert!(all >= 24 && all < server.head().await, "{all}");
    server.get(&root, "/admin/audit/export?format=xml").await.refused(422, "invalid");
    server.stop().await;
});

/// Reads the beginning of an answer, and hangs up; with a reset, or without.
async fn hang_up(server: &Server, person: &Person, path: &str, resets: bool) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 * 1024).unwrap();
    let mut stream = timeout(DEADLINE, socket.connect(server.address)).await.expect("a connection").unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n", person.token);
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut begun = [0; 2_048];
    timeout(DEADLINE, stream.read_exact(&mut begun)).await.expect("an answer").unwrap();
    assert!(begun.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&begun));
    if resets {
        stream.set_zero_linger().unwrap();
    }
}

each_engine!(exports_that_are_hung_up_on_give_their_places_back, |home| async move {
    let server = Server::start(&home).await;
    let root = server.administrator().await;
    let room = server.conversation(&root, "group", &[]).await;
    for n in 0..120 {
        server.text(&root, &room, &format!("{}{n}", "x".repeat(8_000))).await;
    }
    let audit = "/admin/audit/export?format=ndjson";
    for path in [audit, "/admin/audit/export?format=csv", "/users/me/export"] {
        // More than an account may have under way.
        for n in 0..40 {
            hang_up(&server, &root, path, n % 2 == 0).await;
        }
    }
    ok(&server, &root, "/users/me").await;
    ok(&server, &root, "/messages/search?q=nothing").await;
    let answer = server.request(Method::GET, audit, Some(&root.token)).send().await.unwrap();
    let indexed_to: usize = answer.headers()["x-chatchit-indexed-to"].to_str().unwrap().parse().unwrap();
    assert_eq!(answer.text().await.unwrap().lines().count(), indexed_to);
    let own = ok(&server, &root, "/users/me/export").await;
    assert_eq!(own["messages"].as_array().unwrap().len(), 120);
    server.stop().await;
});
