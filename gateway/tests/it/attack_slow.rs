//! Clients that take their time, bring too much, or come in crowds.

use crate::support::{Server, config, raw::Raw, roomy, until};
use config::{Config, ConnectionLimits, SocketSettings};
use reqwest::StatusCode;
use std::time::Duration;
use testkit::{Engine, Home};

const SHORT: Duration = Duration::from_millis(300);

async fn impatient() -> (Home, Server) {
    let home = Home::new(Engine::Sqlite).await;
    let sockets = SocketSettings { write_within: SHORT, ..roomy() };
    let server = Server::start_with(Config { patience: SHORT, sockets, ..config(&home) }).await;
    (home, server)
}

/// Sends byte after byte until the server has enough.
async fn dribble(server: &Server, start: &str, byte: &[u8]) {
    let mut raw = Raw::connect(server.address).await;
    assert!(raw.send(start.as_bytes()).await);
    while raw.send(byte).await {
        if raw.is_over(Duration::from_millis(10)).await {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_dribbles_a_head_is_hung_up_on_however_long_it_goes_on() {
    let (_home, server) = impatient().await;
    for start in ["", "G", "GET /livez HTTP/1.1\r\nHost: x\r\n", "GET /ws HTTP/1.1\r\nHost: x\r\nX-Slow: "] {
        dribble(&server, start, b"x").await;
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_dribbles_a_body_is_answered_and_hung_up_on() {
    let (_home, server) = impatient().await;
    for (path, kind) in [("/auth/login", "application/json"), ("/auth/register", "application/json")] {
        let mut raw = Raw::connect(server.address).await;
        let start =
            format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: 9999\r\n\r\n{{");
        assert!(raw.send(start.as_bytes()).await);
        let answer = raw.answer_head().await;
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        raw.rest().await;
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_answers_is_hung_up_on() {
    let (_home, server) = impatient().await;
    let mut raw = Raw::connect(server.address).await;
    // More answers than the buffers between the two hold.
    let requests = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(400);
    raw.send(requests.as_bytes()).await;
    let whole = reqwest::get(format!("http://{}/openapi.json", server.address)).await.unwrap();
    let whole = whole.bytes().await.unwrap().len();
    // Once the server is gone it takes nothing more.
    until("the server to hang up", async || !raw.send(b"G").await).await;
    let read = raw.rest().await.len();
    assert!(read < 400 * whole, "{read}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_has_a_bound() {
    let home = Home::new(Engine::Sqlite).await;
    let server = Server::start(&home).await;
    let many: String = (0..101).map(|n| format!("X-{n}: x\r\n")).collect();
    let long = format!("X-Long: {}\r\n", "x".repeat(100_000));
    let path = "x".repeat(100_000);
    for (request, statuses) in [
        (format!("GET /livez HTTP/1.1\r\nHost: x\r\n{many}\r\n"), &["431"][..]),
        (format!("GET /livez HTTP/1.1\r\nHost: x\r\n{long}\r\n"), &["431"]),
        (format!("GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n"), &["414", "431"]),
    ] {
        let mut raw = Raw::connect(server.address).await;
        raw.send(request.as_bytes()).await;
        let answer = raw.answer_head().await;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(statuses.contains(&status) || answer.is_empty(), "{answer}");
    }
    for smuggled in [
        "GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
        "GET /livez HTTP/1.1\r\nHost: x\r\nBad Name: x\r\n\r\n",
        "GET /livez HTTP/9.9\r\nHost: x\r\n\r\n",
        "\u{0}\u{1}\u{2}\r\n\r\n",
    ] {
        let mut raw = Raw::connect(server.address).await;
        raw.send(smuggled.as_bytes()).await;
        let answer = raw.answer_head().await;
        assert!(!answer.starts_with("HTTP/1.1 5"), "{smuggled:?}: {answer}");
    }
    let response = reqwest::get(format!("http://{}/livez", server.address)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_so_many_connections_and_no_more() {
    let home = Home::new(Engine::Sqlite).await;
    let connections = ConnectionLimits { total: 3, per_address: 1 };
    let server = Server::start_with(Config { connections, ..config(&home) }).await;
    let mut crowd = Vec::new();
    for _ in 0..3 {
        let mut raw = Raw::connect(server.address).await;
        raw.send(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await;
        let answer = raw.answer_head().await;
        assert!(answer.starts_with("HTTP/1.1 200"), "this machine is not counted by address: {answer}");
        crowd.push(raw);
    }
    let mut late = Raw::connect(server.address).await;
    late.rest().await;
    crowd.pop();
    let livez = format!("http://{}/livez", server.address);
    until("a place to be free", async || reqwest::get(&livez).await.is_ok()).await;
    server.stop().await;
}
