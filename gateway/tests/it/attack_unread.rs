//! Requests that are answered before their bodies are read: the next request of the connection is answered, too, or the
//! answer says that the connection ends.

use crate::support::{Server, raw::Raw};
use std::time::Duration;
use testkit::{Engine, Home};

/// Between the head of a request and its body.
const MOMENT: Duration = Duration::from_millis(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_nobody_reads_does_not_break_the_next_request() {
    let home = Home::new(Engine::Sqlite).await;
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let token = format!("Authorization: Bearer {}\r\n", ana.token);
    let json = "Content-Type: application/json\r\n";
    let form = "Content-Type: multipart/form-data; boundary=b\r\n";
    let gzip = format!("{token}{json}Content-Encoding: gzip\r\n");
    let cases = [
        (401, "POST /conversations", json.to_owned()),
        (401, "POST /files", form.to_owned()),
        (404, "POST /nowhere", json.to_owned()),
        (405, "PUT /conversations", json.to_owned()),
        (400, "POST /conversations?token=x", json.to_owned()),
        (422, "POST /conversations?zzz=1", format!("{token}{json}")),
        (422, "PATCH /messages/x", format!("{token}{json}")),
        (415, "POST /conversations", format!("{token}Content-Type: text/plain\r\n")),
        (415, "POST /files", format!("{token}{json}")),
        (415, "POST /conversations", gzip),
        (403, "POST /conversations", format!("{json}Origin: https://evil.example\r\n")),
        (400, "POST /socket.io/?EIO=4&transport=polling&sid=x", String::new()),
    ];
    for (status, line, headers) in &cases {
        for body in ["Content-Length: 18", "Transfer-Encoding: chunked"] {
            let mut raw = Raw::connect(server.address).await;
            let head = format!("{line} HTTP/1.1\r\nHost: x\r\n{headers}{body}\r\n\r\n");
            assert!(raw.send(head.as_bytes()).await);
            tokio::time::sleep(MOMENT).await;
            let sent: &[u8] = match body {
                "Content-Length: 18" => b"{\"content\":\"hello\"}".split_at(18).0,
                _ => b"2\r\n{}\r\n0\r\n\r\n",
            };
            assert!(raw.send(sent).await, "{line}: {body}");
            let (head, answer) = raw.answer().await;
            let answer = String::from_utf8_lossy(&answer);
            assert!(head.starts_with(&format!("http/1.1 {status}")), "{line}: {head}{answer}");
            assert!(!head.contains("connection: close"), "{line}: {head}");
            assert!(raw.send(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await, "{line}: {body}");
            let (head, _) = raw.answer().await;
            assert!(head.starts_with("http/1.1 200"), "{line}: {body}: {head}");
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_long_or_does_not_come_ends_the_connection_and_the_answer_says_so() {
    let home = Home::new(Engine::Sqlite).await;
    let server = Server::start(&home).await;
    for headers in
        ["Content-Length: 70000\r\n", "Content-Length: 18\r\n", "Content-Length: 18\r\nExpect: 100-continue\r\n"]
    {
        let mut raw = Raw::connect(server.address).await;
        let head =
            format!("POST /conversations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{headers}\r\n");
        assert!(raw.send(head.as_bytes()).await);
        let (head, _) = raw.answer().await;
        assert!(head.starts_with("http/1.1 401"), "{headers}: {head}");
        assert!(head.contains("connection: close"), "{headers}: {head}");
        assert!(raw.rest().await.is_empty(), "{headers}");
    }
    server.stop().await;
}
