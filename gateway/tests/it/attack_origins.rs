//! Pages of others, at every door through which a socket opens.

use crate::support::{
    self, Person, Server, config,
    sio::{Sio, Transport, polling},
};
use config::Config;
use reqwest::StatusCode;
use serde_json::Value;
use testkit::{Engine, Home};

/// How the doors answer a page of `origin`: `/ws`, and Socket.IO's GET, POST and WebSocket.
async fn doors(server: &Server, person: &Person, origin: &str) -> [u16; 4] {
    let headers = [("authorization", Some(format!("Bearer {}", person.token))), ("origin", Some(origin.to_owned()))];
    let status = |opened: Result<_, tokio_tungstenite::tungstenite::http::Response<_>>| {
        opened.map_or_else(|refused| refused.status().as_u16(), |_: support::Client| 101)
    };
    let ws = status(server.open_at("/ws", &headers).await);
    let socket = status(server.open_at("/socket.io/?EIO=4&transport=websocket", &headers[1..]).await);
    let client = reqwest::Client::new();
    let mut polled = Vec::new();
    let session = Sio::open(server, Transport::Polling).await;
    let own = polling(server.address, &session.sid);
    for request in [client.get(polling(server.address, "")), client.post(own).body("40")] {
        let response = request.header("origin", origin).send().await.unwrap();
        let (status, received) = (response.status(), response.headers().get("access-control-allow-origin").cloned());
        assert_eq!(received.is_some_and(|received| received == origin), status == StatusCode::OK, "{origin}");
        if status != StatusCode::OK {
            let problem: Value = response.json().await.unwrap();
            assert_eq!(problem["code"], "origin_not_allowed");
        }
        polled.push(status.as_u16());
    }
    [ws, polled[0], polled[1], socket]
}

#[tokio::test(flavor = "multi_thread")]
async fn only_known_pages_open_sockets() {
    let home = Home::new(Engine::Sqlite).await;
    let allowed_origins = vec!["https://good.example".to_owned(), "https://other.example:8443".to_owned()];
    for production in [true, false] {
        let server =
            Server::start_with(Config { production, allowed_origins: allowed_origins.clone(), ..config(&home) });
        let server = server.await;
        let ana = match production {
            true => server.register("ana").await,
            false => server.sign_in("ana@test.example").await,
        };
        let own = format!("http://{}", server.address);
        for origin in ["https://good.example", "https://other.example:8443", own.as_str()] {
            assert_eq!(doors(&server, &ana, origin).await, [101, 200, 200, 101], "{origin}");
        }
        let spoofs = [
            "null".to_owned(),
            "https://evil.example".to_owned(),
            "https://good.example.evil.tld".to_owned(),
            "https://evil-good.example".to_owned(),
            "https://evil.tld/https://good.example".to_owned(),
            "https://good.example@evil.tld".to_owned(),
            "https://good.example:8443".to_owned(),
            "http://good.example".to_owned(),
            "https://other.example".to_owned(),
            format!("http://{}.evil.tld", server.address),
            format!("http://{}0", server.address),
            format!("https://{}.", server.address),
            "http://localhost.evil.tld".to_owned(),
            "http://127.0.0.1.evil.tld:80".to_owned(),
        ];
        for origin in &spoofs {
            assert_eq!(doors(&server, &ana, origin).await, [403; 4], "{origin}");
        }
        let here = if production { [403; 4] } else { [101, 200, 200, 101] };
        for origin in ["http://localhost:5173", "http://127.0.0.1:3000", "http://[::1]:1"] {
            assert_eq!(doors(&server, &ana, origin).await, here, "{origin}");
        }
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_origins_are_none() {
    let home = Home::new(Engine::Sqlite).await;
    let server = Server::start(&home).await;
    let mut raw = support::raw::Raw::connect(server.address).await;
    let request = "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Origin: http://localhost\r\nOrigin: https://evil.example\r\n\r\n";
    assert!(raw.send(request.as_bytes()).await);
    let answer = raw.answer_head().await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_tells_browsers_to_keep_off() {
    let home = Home::new(Engine::Sqlite).await;
    let proxy = vec!["127.0.0.1".parse().unwrap()];
    let server = Server::start_with(Config { trusted_proxies: proxy, ..config(&home) }).await;
    let ana = server.register("ana").await;
    let client = reqwest::Client::new();
    let at = |path: &str| client.get(format!("http://{}{path}", server.address));
    for (path, status) in [
        ("/users/me", 200),
        ("/users/me?x=%0d%0aSet-Cookie:%20a=b", 422),
        ("/users/no-id", 422),
        ("/nowhere", 404),
        ("/ws", 426),
        ("/socket.io/?EIO=4&transport=polling", 200),
        ("/socket.io/", 400),
        ("/livez", 200),
        ("/openapi.json", 200),
        ("/api-docs/", 200),
    ] {
        let response = at(path).bearer_auth(&ana.token).send().await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let explorer = path.starts_with("/api-docs");
        let policy = header("content-security-policy").expect("a policy");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert_eq!(policy.contains("default-src 'none'"), !explorer, "{path}: {policy}");
        assert_eq!(header("x-content-type-options").as_deref(), Some("nosniff"), "{path}");
        assert_eq!(header("referrer-policy").as_deref(), Some("no-referrer"), "{path}");
        assert_eq!(header("x-frame-options").as_deref(), Some("DENY"), "{path}");
        assert_eq!(header("cross-origin-resource-policy").as_deref(), Some("same-origin"), "{path}");
        assert_eq!(header("strict-transport-security"), None, "{path}");
        let public = explorer || path == "/openapi.json";
        assert_eq!(header("cache-control").is_some_and(|received| received.contains("no-store")), !public, "{path}");
        assert_eq!((header("set-cookie"), header("server")), (None, None), "{path}");
        assert!(!header("content-type").unwrap_or_default().contains("html") || explorer, "{path}");
    }
    let over = async |proto: &str| {
        let response = at("/livez").header("x-forwarded-proto", proto).send().await.unwrap();
        response.headers().contains_key("strict-transport-security")
    };
    assert!(over("https").await && over("http, https").await);
    assert!(!over("http").await && !over("https, http").await);
    server.stop().await;
    let server = Server::start(&home).await;
    let response = client.get(format!("http://{}/livez", server.address)).header("x-forwarded-proto", "https");
    let response = response.send().await.unwrap();
    assert!(!response.headers().contains_key("strict-transport-security"), "anybody may say so");
    server.stop().await;
}
