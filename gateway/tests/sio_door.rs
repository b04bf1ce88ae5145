//! Credentials, limits and closes at `/socket.io/`, on each transport.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod sio_support;
mod ws_support;

use gateway::{Config, hub::HubSettings};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sio_support::{End, Sio, TRANSPORTS, Transport, answered, polling, web_socket};
use std::time::Duration;
use testkit::each_mix;
use tokio_tungstenite::tungstenite::Message;
use ws_support::{Person, Server, config, roomy, soon, until};

const BOTH: [Transport; 2] = [Transport::Polling, Transport::WebSocket];

fn with(home: &testkit::Home, hub: HubSettings) -> Config {
    Config { hub, ..config(home) }
}

/// Sent away for good, with this code.
fn dismissed(code: u16, transport: Transport) -> End {
    let socket = (transport != Transport::Polling).then_some(code);
    End { told: Some(code.into()), disconnected: true, socket }
}

/// Sent away to come back, with this code.
fn sent_back(code: u16, transport: Transport) -> End {
    End { disconnected: false, ..dismissed(code, transport) }
}

/// Somebody whose session ends, and how their sockets do.
async fn sign_out(server: &Server, person: &Person) {
    server.post("/auth/logout", Some(&person.token), json!({})).await;
}

each_mix!(credentials_come_in_the_connect_packet_and_nowhere_else, |home| async move {
    let settings = HubSettings { credentials_within: Duration::from_millis(500), ..roomy() };
    let server = Server::start_with(with(&home, settings)).await;
    let ana = server.register("ana").await;
    for transport in BOTH {
        let (_, hello) = Sio::connect_with(&server, &ana, None, transport, None).await;
        assert_eq!((&hello["recovered"], &hello["limits"]["frameBytes"]), (&json!(false), &json!(65_536)));
        for (packet, code) in [
            (r#"40{"token":"nonsense"}"#, "invalid_token"),
            ("40", "unauthenticated"),
            ("40{}", "unauthenticated"),
            (r#"40{"token":7}"#, "unauthenticated"),
        ] {
            let mut client = Sio::open(&server, transport).await;
            assert!(client.send(packet).await);
            let refused = client.event("connect_error").await;
            assert_eq!((&refused["data"]["code"], refused["message"].is_string()), (&json!(code), true), "{packet}");
            assert_eq!(client.end().await.told, None, "{packet}");
        }
        let mut elsewhere = Sio::open(&server, transport).await;
        assert!(elsewhere.send("40/admin,{}").await);
        // The packet names its namespace first, which the client of this test does not read.
        elsewhere.event("connect_error").await;
        assert!(elsewhere.send(&format!("40{}", json!({"token": ana.token}))).await, "it is still there");
        elsewhere.event("hello").await;
        let mut silent = Sio::open(&server, transport).await;
        silent.end().await;
        for rude in [r#"42["cmd",{"cmd":"ping"}]"#, "3", "41", "1", "nonsense", "4nonsense"] {
            let mut client = Sio::open(&server, transport).await;
            client.send(rude).await;
            assert_eq!(client.end().await.told, None, "{rude}");
        }
    }
    let in_query = format!("{}&token={}", polling(server.address, ""), ana.token);
    let (status, body) = answered(reqwest::Client::new().get(in_query)).await;
    assert_eq!((status, body.contains("token_in_query")), (StatusCode::BAD_REQUEST, true));
    server.stop().await;
});

each_mix!(requests_that_are_none_are_refused_in_the_clients_words, |home| async move {
    let server = Server::start(&home).await;
    let client = reqwest::Client::new();
    let base = format!("http://{}/socket.io/", server.address);
    let stranger = polling(server.address, "AAAAAAAAAAAAAAAAAAAA");
    for (request, code) in [
        (client.get(&base), 0),
        (client.get(format!("{base}?EIO=4&transport=carrier-pigeon")), 0),
        (client.get(format!("{base}?EIO=3&transport=polling")), 5),
        (client.get(&stranger), 1),
        (client.post(&stranger).body("41"), 1),
        (client.get(stranger.replace("polling", "websocket")), 1),
        (client.get(format!("{base}?EIO=4&transport=websocket")), 3),
        (client.post(polling(server.address, "")).body("40"), 2),
    ] {
        let (status, body) = answered(request).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &body["code"]), (StatusCode::BAD_REQUEST, &json!(code)), "{body}");
        assert!(body["message"].is_string());
    }
    server.stop().await;
});

each_mix!(only_listed_pages_may_connect_and_they_can, |home| async move {
    let allowed_origins = vec!["https://chat.example".to_owned()];
    let server = Server::start_with(Config { allowed_origins, ..config(&home) }).await;
    let client = reqwest::Client::new();
    for (origin, status) in [("https://chat.example", 200), ("https://evil.example", 403)] {
        let response = client.get(polling(server.address, "")).header("origin", origin).send().await.unwrap();
        assert_eq!(response.status(), status);
        let allowed = response.headers().get("access-control-allow-origin");
        assert_eq!(allowed.is_some_and(|allowed| allowed == origin), status == 200);
    }
    server.stop().await;
    let server = Server::start(&home).await;
    let own = format!("http://{}", server.address);
    for (origin, status) in [("http://localhost:5173", 200), (own.as_str(), 200), ("https://any.example", 403)] {
        let response = client.get(polling(server.address, "")).header("origin", origin).send().await.unwrap();
        assert_eq!(response.status(), status, "{origin}");
    }
    server.stop().await;
});

each_mix!(frames_beyond_the_limits_close_either_transport, |home| async move {
    let settings = HubSettings { frames_per_second: 1, frames_at_once: 20, ..HubSettings::default() };
    let server = Server::start_with(Config { rate_limits: true, ..with(&home, settings) }).await;
    let ana = server.register("ana").await;
    for transport in TRANSPORTS {
        let filler = |bytes: usize| json!({"cmd": "ping", "data": "x".repeat(bytes)});
        let mut fits = Sio::connect(&server, &ana, None, transport).await;
        assert!(fits.ask("cmd", filler(60_000)).await["ok"].is_object());
        let mut big = Sio::connect(&server, &ana, None, transport).await;
        // It may be refused before it is sent to its end.
        let frame = format!("42{}", json!(["cmd", filler(70_000)]));
        match transport {
            Transport::Polling => {
                let request = reqwest::Client::new().post(polling(big.address, &big.sid)).body(frame);
                if let Ok(response) = soon("an answer", request.send()).await {
                    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
                }
            }
            _ => big.send_frame(Message::text(frame)).await,
        }
        assert_eq!(big.end().await, dismissed(1009, transport));
        let mut binary = Sio::connect(&server, &ana, None, transport).await;
        binary.send(r#"451-["cmd",{"_placeholder":true,"num":0}]"#).await;
        assert_eq!(binary.end().await, dismissed(1003, transport));
        let mut bytes = Sio::connect(&server, &ana, None, transport).await;
        match transport {
            Transport::Polling => assert!(bytes.send("bAQID").await),
            _ => bytes.send_frame(Message::Binary(vec![1, 2, 3].into())).await,
        }
        assert_eq!(bytes.end().await, dismissed(1003, transport));
        let mut flood = Sio::connect(&server, &ana, None, transport).await;
        let many = vec![r#"42["ping"]"#; 60].join("\u{1e}");
        flood.send(&many).await;
        assert_eq!(flood.end().await, dismissed(4029, transport));
    }
    server.stop().await;
});

each_mix!(malformed_packets_harm_nobody, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let deep = format!(r#"42["cmd",{}{}]"#, "[".repeat(5_000), "]".repeat(5_000));
    for transport in BOTH {
        let mut client = Sio::connect(&server, &ana, None, transport).await;
        for packet in
            ["42", "42{", "42[]", "42[7]", r#"42["cmd",7]"#, r#"42["cmd",{"cmd":""}]"#, "42[\"a\"", deep.as_str()]
        {
            assert!(client.send(packet).await, "{packet}");
            assert_eq!(client.event("error").await["code"], "malformed", "{packet}");
        }
        for nothing in ["43[]", "43", "41/admin,", r#"42/admin,["cmd",{}]"#, "2", "6", "3"] {
            assert!(client.send(nothing).await, "{nothing}");
        }
        assert!(client.ok("ping", json!({})).await["cursor"].is_string(), "it lives");
        for bad in ["4", "4x", "47", "x", "0{}", "4\u{0}", "é", "4299999999999999999999999[\"a\"]"] {
            let mut client = Sio::connect(&server, &ana, None, transport).await;
            client.send(bad).await;
            assert_eq!(client.end().await, dismissed(1002, transport), "{bad:?}");
        }
    }
    let mut client = Sio::connect(&server, &ana, None, Transport::Polling).await;
    let request = reqwest::Client::new().post(polling(client.address, &client.sid)).body(vec![0xff_u8, 0xfe]);
    assert_eq!(answered(request).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(client.end().await, dismissed(1007, Transport::Polling));
    server.stop().await;
});

each_mix!(strangers_who_open_many_sessions_make_room_for_one_another, |home| async move {
    let settings = HubSettings { strangers_per_address: 3, ..roomy() };
    let server = Server::start_with(with(&home, settings)).await;
    let ana = server.register("ana").await;
    let mut known = Sio::connect(&server, &ana, None, Transport::Polling).await;
    let mut opened = Vec::new();
    for _ in 0..4 {
        let (status, body) = answered(reqwest::Client::new().get(polling(server.address, ""))).await;
        assert_eq!(status, StatusCode::OK, "nobody is refused for those who came before");
        let open: Value = serde_json::from_str(&body[1..]).unwrap();
        opened.push(open["sid"].as_str().unwrap().to_owned());
    }
    // The oldest is gone; whoever has shown who they are is no stranger.
    let (status, body) = answered(reqwest::Client::new().get(polling(server.address, &opened[0]))).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
    assert!(known.ok("ping", json!({})).await["cursor"].is_string());
    server.stop().await;
});

each_mix!(a_second_poll_at_the_same_time_is_refused, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let mut client = Sio::connect(&server, &ana, None, Transport::Polling).await;
    let url = polling(client.address, &client.sid);
    let polls = [0; 2].map(|_| {
        let url = url.clone();
        tokio::spawn(async move { answered(reqwest::Client::new().get(url)).await.0 })
    });
    let [first, second] = polls;
    let mut ended = Vec::new();
    tokio::select! {
        status = first => ended.push(status.unwrap()),
        status = second => ended.push(status.unwrap()),
    }
    assert_eq!(ended, [StatusCode::BAD_REQUEST], "one of them, at once");
    assert!(client.send(r#"42["ping"]"#).await, "the session lives");
    server.stop().await;
});

each_mix!(what_ends_a_session_closes_its_sockets, |home| async move {
    let server = Server::start(&home).await;
    let phone = server.register("ana").await;
    for transport in TRANSPORTS {
        let laptop = server.login(&phone).await;
        let mut on_phone = Sio::connect(&server, &phone, None, transport).await;
        let mut on_laptop = Sio::connect(&server, &laptop, None, transport).await;
        sign_out(&server, &laptop).await;
        assert_eq!(on_laptop.end().await, dismissed(4009, transport));
        assert!(on_phone.ok("ping", json!({})).await["cursor"].is_string());
        assert!(!on_laptop.send("3").await || transport != Transport::Polling, "the session is gone");
    }
    server.stop().await;
});

each_mix!(a_token_that_expires_closes_its_sockets, |home| async move {
    let server = Server::start_with(Config { access_expired: Duration::from_secs(6), ..config(&home) }).await;
    let ana = server.register("ana").await;
    let mut clients = Vec::new();
    for transport in TRANSPORTS {
        clients.push((transport, Sio::connect(&server, &ana, None, transport).await));
    }
    for (transport, client) in &mut clients {
        assert_eq!(client.end().await, dismissed(4001, *transport));
    }
    server.stop().await;
});

each_mix!(one_socket_too_many_closes_the_oldest_of_any_door, |home| async move {
    let server = Server::start_with(with(&home, HubSettings { sockets_per_user: 3, ..roomy() })).await;
    let ana = server.register("ana").await;
    let mut polled = Sio::connect(&server, &ana, None, Transport::Polling).await;
    let mut plain = server.connect(&ana, None).await;
    let _third = Sio::connect(&server, &ana, None, Transport::WebSocket).await;
    let _fourth = Sio::connect(&server, &ana, None, Transport::Upgraded).await;
    assert_eq!(polled.end().await, dismissed(4009, Transport::Polling));
    let _fifth = Sio::connect(&server, &ana, None, Transport::Polling).await;
    assert_eq!(plain.end().await, ws_support::End::Closed(4009));
    server.stop().await;
});

each_mix!(who_does_not_answer_pings_is_gone, |home| async move {
    let settings = HubSettings { heartbeat: Duration::from_millis(400), ..roomy() };
    let server = Server::start_with(with(&home, settings)).await;
    let ana = server.register("ana").await;
    let dead_poller = Sio::connect(&server, &ana, None, Transport::Polling).await;
    let dead_socket = Sio::connect(&server, &ana, None, Transport::WebSocket).await;
    // One that answers lives on, and sees the others go.
    let mut other = Sio::connect(&server, &ana, None, Transport::Upgraded).await;
    while server.app.hub.sockets() > 1 {
        assert!(other.read().await);
    }
    let url = polling(dead_poller.address, &dead_poller.sid);
    let is_gone = async || answered(reqwest::Client::new().get(&url)).await.0 == StatusCode::BAD_REQUEST;
    until("the session to be forgotten", is_gone).await;
    assert!(other.ok("ping", json!({})).await["cursor"].is_string());
    drop(dead_socket);
    server.stop().await;
});

each_mix!(a_server_that_restarts_says_so_and_is_come_back_to, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let mut clients = Vec::new();
    for transport in TRANSPORTS {
        clients.push((transport, Sio::connect(&server, &ana, None, transport).await));
    }
    let ends = async {
        for (transport, client) in &mut clients {
            let end = client.end().await;
            // Who was between two polls finds nobody, and comes back elsewhere.
            let is_between = *transport == Transport::Polling && end == End::default();
            assert!(is_between || end == sent_back(1012, *transport), "{transport:?}: {end:?}");
        }
    };
    tokio::join!(server.stop(), ends);
});

each_mix!(a_client_that_leaves_is_gone, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    for transport in TRANSPORTS {
        for goodbye in ["41", "1"] {
            let mut client = Sio::connect(&server, &ana, None, transport).await;
            client.send(goodbye).await;
            until("the seat to be free", async || server.app.hub.sockets() == 0).await;
        }
    }
    // A probe that comes to nothing leaves the session polled.
    let mut client = Sio::connect(&server, &ana, None, Transport::Polling).await;
    drop(web_socket(server.address, &client.sid, None).await);
    assert!(client.ok("ping", json!({})).await["cursor"].is_string());
    server.stop().await;
});
