//! Frames that are too big, too many or never end, at both doors.

use crate::support::{
    Person, Server, config,
    raw::{Raw, frame, head},
    roomy,
    sio::{Sio, Transport, polling},
};
use config::{Config, SocketSettings};
use reqwest::StatusCode;
use serde_json::json;
use std::time::Duration;
use testkit::{Engine, Home};

const SIO: &str = "/socket.io/?EIO=4&transport=websocket";
const MIB_64: u64 = 64 * 1024 * 1024;
const TEXT: u8 = 1;
const CONTINUED: u8 = 0;
const PING: u8 = 9;
const PONG: u8 = 10;

async fn limited(sockets: SocketSettings) -> (Home, Server, Person) {
    let home = Home::new(Engine::Sqlite).await;
    let server = Server::start_with(Config { sockets, rate_limits: true, ..config(&home) }).await;
    let ana = server.register("ana").await;
    (home, server, ana)
}

/// A socket at each door whose client has shown its credentials.
async fn open_sockets(server: &Server, person: &Person) -> [Raw; 2] {
    let credentials = format!("Authorization: Bearer {}\r\n", person.token);
    let plain = Raw::socket(server.address, "/ws", &credentials).await;
    let mut sio = Raw::socket(server.address, SIO, "").await;
    let connect = format!("40{}", json!({"token": person.token}));
    assert!(sio.send(&frame(true, TEXT, connect.as_bytes())).await);
    [plain, sio]
}

async fn lives(server: &Server, person: &Person) {
    let mut client = server.connect(person, None).await;
    assert!(client.ok("ping", json!({})).await["cursor"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_of_64_mib_is_refused_by_its_head() {
    let (_home, server, ana) = limited(roomy()).await;
    let strangers = [Raw::socket(server.address, "/ws", "").await, Raw::socket(server.address, SIO, "").await];
    for mut socket in open_sockets(&server, &ana).await.into_iter().chain(strangers) {
        assert!(socket.send(&head(true, TEXT, MIB_64)).await);
        assert_eq!(socket.close_code().await, Some(1009));
    }
    for mut socket in open_sockets(&server, &ana).await {
        // The whole of it, to a server that does not listen any more.
        let mut sent = head(true, TEXT, MIB_64);
        let mut chunks = 0;
        while chunks < 1_024 && socket.send(&sent).await {
            sent = vec![b'x'; 64 * 1024];
            chunks += 1;
        }
        socket.rest().await;
    }
    lives(&server, &ana).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_64_mib_is_refused_by_its_head_or_where_it_passes_the_limit() {
    let (_home, server, ana) = limited(roomy()).await;
    let session = Sio::open(&server, Transport::Polling).await;
    let polled = polling(server.address, &session.sid);
    let path = polled.strip_prefix(&format!("http://{}", server.address)).unwrap();
    for (path, kind) in [(path, "text/plain"), ("/auth/login", "application/json")] {
        let start = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\n");
        let mut raw = Raw::connect(server.address).await;
        assert!(raw.send(format!("{start}Content-Length: {MIB_64}\r\n\r\n").as_bytes()).await);
        // What reads a body as it comes sees the limit passed only then.
        let _ = raw.send(&[b' '; 70 * 1024]).await;
        let answer = raw.answer_head().await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{path}: {answer}");
    }
    // One that does not say how long it is.
    let mut raw = Raw::connect(server.address).await;
    let start =
        "POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert!(raw.send(start.as_bytes()).await);
    let chunk = [format!("{:x}\r\n", 32 * 1024).into_bytes(), vec![b' '; 32 * 1024], b"\r\n".to_vec()].concat();
    let mut chunks = 0;
    while chunks < 4 && raw.send(&chunk).await {
        chunks += 1;
    }
    let answer = raw.answer_head().await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    lives(&server, &ana).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fragments_that_never_end_close_the_socket() {
    let heartbeat = Duration::from_secs(1);
    let (_home, server, ana) = limited(SocketSettings { heartbeat, ..roomy() }).await;
    for mut socket in open_sockets(&server, &ana).await {
        // Of a byte each: together above the limit.
        let mut flood = frame(false, TEXT, b"4");
        flood.extend(frame(false, CONTINUED, b"x").repeat(70_000));
        socket.send(&flood).await;
        assert!(matches!(socket.close_code().await, Some(1009 | 1001) | None));
    }
    for mut socket in open_sockets(&server, &ana).await {
        // Of nothing: the client says nothing that ends, and so answers no ping.
        assert!(socket.send(&frame(false, TEXT, b"")).await);
        let empty = frame(false, CONTINUED, b"").repeat(1_000);
        while socket.send(&empty).await {
            if socket.is_over(Duration::from_millis(5)).await {
                break;
            }
        }
    }
    lives(&server, &ana).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn floods_of_pings_pongs_and_nonsense_close_the_socket() {
    let sockets = SocketSettings { frames_per_second: 10, frames_at_once: 200, ..SocketSettings::default() };
    let (_home, server, ana) = limited(sockets).await;
    for (opcode, payload) in [(PING, &b"flood"[..]), (PONG, b""), (TEXT, b"3"), (TEXT, b"{\"ping\":1}")] {
        let at_both = payload != b"3" && !payload.starts_with(b"{");
        for (door, mut socket) in open_sockets(&server, &ana).await.into_iter().enumerate() {
            let is_spoken = at_both || (door == 1) == (payload == b"3");
            if !is_spoken {
                continue;
            }
            assert!(socket.send(&frame(true, opcode, payload).repeat(2_000)).await);
            assert_eq!(socket.close_code().await, Some(4029), "{opcode} at door {door}");
        }
    }
    lives(&server, &ana).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_break_the_protocol_close_the_socket() {
    let (_home, server, ana) = limited(roomy()).await;
    for (case, bytes) in [
        ("a reserved bit", [vec![0xC1, 0x81, 0, 0, 0, 0], b"x".to_vec()].concat()),
        ("a reserved opcode", frame(true, 3, b"x")),
        ("a ping in fragments", frame(false, PING, b"x")),
        ("a ping that is too long", frame(true, PING, &[b'x'; 126])),
        ("a continuation of nothing", frame(true, CONTINUED, b"x")),
        ("no mask", b"\x81\x01x".to_vec()),
        ("a length beyond all", head(true, TEXT, u64::MAX)),
        ("a length beyond all signs", head(true, TEXT, 1 << 63)),
    ] {
        for mut socket in open_sockets(&server, &ana).await {
            assert!(socket.send(&bytes).await, "{case}");
            // A code, or just the end: but the end.
            socket.close_code().await;
            socket.rest().await;
        }
    }
    let response = reqwest::get(format!("http://{}/livez", server.address)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    lives(&server, &ana).await;
    server.stop().await;
}
