//! Credentials and limits at `/socket.io/`, on each transport.

use crate::support::{
    DEADLINE, Server, config, roomy,
    sio::{End, Sio, TRANSPORTS, Transport, answered, polling},
    soon, until,
};
use config::{Config, SocketSettings};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::each_mix;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};
use tokio_tungstenite::tungstenite::Message;

const BOTH: [Transport; 2] = [Transport::Polling, Transport::WebSocket];

pub(crate) fn with(home: &testkit::Home, sockets: SocketSettings) -> Config {
    Config { sockets, ..config(home) }
}

/// Sent away for good, with this code.
pub(crate) fn dismissed(code: u16, transport: Transport) -> End {
    let socket = (transport != Transport::Polling).then_some(code);
    End { close_code: Some(code.into()), disconnected: true, socket }
}

each_mix!(credentials_come_in_the_connect_packet_and_nowhere_else, |home| async move {
    let within = |credentials_within| with(&home, SocketSettings { credentials_within, ..roomy() });
    let server = Server::start_with(within(DEADLINE)).await;
    let hasty = Server::start_with(within(Duration::from_millis(500))).await;
    let ana = server.register("ana").await;
    for transport in BOTH {
        let (_, hello) = Sio::connect_with(&server, &ana, None, transport, None).await;
        assert_eq!((&hello["recovered"], &hello["limits"]["frameBytes"]), (&json!(false), &json!(65_536)));
        for (packet, code) in [
            (r#"40{"token":"nonsense"}"#, "invalid_token"),
            ("40", "unauthenticated"),
            ("40{}", "unauthenticated"),
            (r#"40{"since":7}"#, "unauthenticated"),
            (r#"40{"token":7}"#, "invalid"),
            (r#"40{"token":"nonsense","since":{}}"#, "invalid"),
        ] {
            let mut client = Sio::open(&server, transport).await;
            assert!(client.send(packet).await);
            let refused = client.event("connect_error").await;
            assert_eq!((&refused["data"]["code"], refused["message"].is_string()), (&json!(code), true), "{packet}");
            if code == "invalid" {
                let field = if packet.contains("since") { "since" } else { "token" };
                assert_eq!(refused["message"], json!(format!("{field}: must be text")), "{packet}");
            }
            assert_eq!(client.end().await.close_code, None, "{packet}");
        }
        let mut elsewhere = Sio::open(&server, transport).await;
        assert!(elsewhere.send("40/admin,{}").await);
        // The packet names its namespace first, which the client of this test does not read.
        elsewhere.event("connect_error").await;
        assert!(elsewhere.send(&format!("40{}", json!({"token": ana.token}))).await, "it is still there");
        elsewhere.event("hello").await;
        let mut silent = Sio::open(&hasty, transport).await;
        silent.end().await;
        // Who says nothing but that they live is as silent.
        let mut alive = Sio::open(&hasty, transport).await;
        alive.send("3").await;
        assert_eq!(alive.end().await.close_code, None);
        for rude in [r#"42["cmd",{"cmd":"ping"}]"#, "41", "1", "nonsense", "4nonsense"] {
            let mut client = Sio::open(&server, transport).await;
            client.send(rude).await;
            assert_eq!(client.end().await.close_code, None, "{rude}");
        }
    }
    let in_query = format!("{}&token={}", polling(server.address, ""), ana.token);
    let (status, body) = answered(reqwest::Client::new().get(in_query)).await;
    assert_eq!((status, body.contains("token_in_query")), (StatusCode::BAD_REQUEST, true));
    tokio::join!(server.stop(), hasty.stop());
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
        (client.put(polling(server.address, "")), 2),
        (client.delete(&stranger), 2),
    ] {
        let (status, body) = answered(request).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &body["code"]), (StatusCode::BAD_REQUEST, &json!(code)), "{body}");
        assert!(body["message"].is_string());
    }
    let head = client.head(polling(server.address, "")).send().await.unwrap();
    assert_eq!(head.status(), StatusCode::BAD_REQUEST, "nobody would poll what it opens");
    // `addTrailingSlash: false`.
    let bare = |sid: &str| polling(server.address, sid).replace("/socket.io/", "/socket.io");
    let (status, body) = answered(client.get(bare(""))).await;
    assert_eq!(status, StatusCode::OK);
    let open: Value = serde_json::from_str(&body[1..]).unwrap();
    let (status, body) = answered(client.post(bare(open["sid"].as_str().unwrap())).body("40/admin,")).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "ok"));
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
    let settings = SocketSettings { frames_per_second: 1, frames_at_once: 20, ..SocketSettings::default() };
    let server = Server::start_with(Config { rate_limits: true, ..with(&home, settings) }).await;
    let ana = server.register("ana").await;
    for transport in TRANSPORTS {
        let filler = |bytes: usize| json!({"filler": "x".repeat(bytes)});
        let mut fits = ana.sio(None, transport).await;
        assert!(fits.ask("ping", filler(60_000)).await["ok"].is_object());
        let mut big = ana.sio(None, transport).await;
        // It may be refused before it is sent to its end.
        let frame = format!("42{}", json!(["ping", filler(70_000)]));
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
        let mut bytes = ana.sio(None, transport).await;
        match transport {
            Transport::Polling => assert!(bytes.send("bAQID").await),
            _ => bytes.send_frame(Message::Binary(vec![1, 2, 3].into())).await,
        }
        assert_eq!(bytes.end().await, dismissed(1003, transport));
        let mut flood = ana.sio(None, transport).await;
        let many = vec![r#"42["ping"]"#; 60].join("\u{1e}");
        flood.send(&many).await;
        assert_eq!(flood.end().await, dismissed(4029, transport));
    }
    server.stop().await;
});

each_mix!(a_binary_payload_is_an_error_of_its_event_alone, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    for transport in TRANSPORTS {
        let mut client = ana.sio(None, transport).await;
        let attach = async |client: &mut Sio| match transport {
            Transport::Polling => assert!(client.send("bAQID").await),
            _ => client.send_frame(Message::Binary(vec![1, 2, 3].into())).await,
        };
        let event = r#"["sendMessage",{"content":{"_placeholder":true,"num":0}}]"#;
        assert!(client.send(&format!("451-{event}")).await);
        attach(&mut client).await;
        let received = client.event("sendMessageError").await;
        assert_eq!((&received["code"], received["message"].is_string()), (&json!("malformed"), true));
        // With a callback, and several attachments, between which a pong may come.
        assert!(client.send(&format!("452-77{event}")).await);
        attach(&mut client).await;
        assert!(client.send("3").await);
        attach(&mut client).await;
        assert_eq!(client.answer(77).await["error"]["code"], "malformed");
        for nothing in ["461-5[]", r#"451-/admin,["x"]"#] {
            assert!(client.send(nothing).await);
            attach(&mut client).await;
        }
        assert!(client.ok("ping", json!({})).await["cursor"].is_string(), "it lives");
        // Another packet where an attachment was announced, and an attachment that was not.
        assert!(client.send(&format!("451-{event}")).await);
        client.send(r#"42["ping"]"#).await;
        assert_eq!(client.end().await, dismissed(1002, transport));
        let mut client = ana.sio(None, transport).await;
        attach(&mut client).await;
        assert_eq!(client.end().await, dismissed(1003, transport));
    }
    server.stop().await;
});

each_mix!(malformed_packets_close_their_session_and_harm_nobody, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let deep = format!(r#"["cmd",{}{}]"#, "[".repeat(5_000), "]".repeat(5_000));
    for transport in BOTH {
        let mut client = ana.sio(None, transport).await;
        for packet in [r#"42["cmd",7]"#, r#"42["cmd",{"cmd":""}]"#] {
            assert!(client.send(packet).await, "{packet}");
            assert_eq!(client.event("error").await["code"], "malformed", "{packet}");
        }
        for nothing in ["43[]", "43", "41/admin,", r#"42/admin,["cmd",{}]"#, "2", "6", "3"] {
            assert!(client.send(nothing).await, "{nothing}");
        }
        // It is an array that begins with its name, and nested more deeply than is read.
        assert!(client.send(&format!("42{deep}")).await);
        assert_eq!(client.event("error").await["code"], "malformed");
        assert!(client.send(&format!("4277{deep}")).await);
        assert_eq!(client.answer(77).await["error"]["code"], "malformed");
        assert!(client.ok("ping", json!({})).await["cursor"].is_string(), "it lives");
        // The payload of an event is a non-empty array that begins with its name.
        for bad in ["42", "42{", "42{}", "42[]", "42[7]", "42[\"a\"", r#"42abc["ping"]"#, "451-{}"] {
            let mut client = ana.sio(None, transport).await;
            client.send(bad).await;
            assert_eq!(client.end().await, dismissed(1002, transport), "{bad}");
        }
        for bad in ["4", "4x", "47", "x", "0{}", "4\u{0}", "é", "4299999999999999999999999[\"a\"]"] {
            let mut client = ana.sio(None, transport).await;
            client.send(bad).await;
            assert_eq!(client.end().await, dismissed(1002, transport), "{bad:?}");
        }
    }
    let mut client = ana.sio(None, Transport::Polling).await;
    let request = reqwest::Client::new().post(polling(client.address, &client.sid)).body(vec![0xff_u8, 0xfe]);
    assert_eq!(answered(request).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(client.end().await, dismissed(1007, Transport::Polling));
    server.stop().await;
});

each_mix!(strangers_who_open_many_sessions_make_room_for_one_another, |home| async move {
    let settings = SocketSettings { strangers_per_address: 3, ..roomy() };
    let server = Server::start_with(with(&home, settings)).await;
    let ana = server.register("ana").await;
    let mut known = ana.sio(None, Transport::Polling).await;
    let mut opened = Vec::new();
    for _ in 0..4 {
        let (status, body) = answered(reqwest::Client::new().get(polling(server.address, ""))).await;
        assert_eq!(status, StatusCode::OK, "nobody is refused for those who came before");
        let open: Value = serde_json::from_str(&body[1..]).unwrap();
        opened.push(open["sid"].as_str().unwrap().to_owned());
    }
    // The oldest is gone; an authenticated connection is not counted.
    let (status, body) = answered(reqwest::Client::new().get(polling(server.address, &opened[0]))).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
    assert!(known.ok("ping", json!({})).await["cursor"].is_string());
    server.stop().await;
});

each_mix!(so_many_sessions_are_polled_and_no_more, |home| async move {
    let settings = SocketSettings { polled: 3, ..roomy() };
    let server = Server::start_with(with(&home, settings)).await;
    let ana = server.register("ana").await;
    let polls = || answered(reqwest::Client::new().get(polling(server.address, "")));
    let (_, stranger) = polls().await;
    let stranger = serde_json::from_str::<Value>(&stranger[1..]).unwrap()["sid"].as_str().unwrap().to_owned();
    let mut known = Vec::new();
    for _ in 0..3 {
        known.push(ana.sio(None, Transport::Polling).await);
    }
    // It was the stranger who made room; nobody who is known does.
    let (status, body) = answered(reqwest::Client::new().get(polling(server.address, &stranger))).await;
    assert_eq!((status, body.contains("\"code\":1")), (StatusCode::BAD_REQUEST, true), "{body}");
    for _ in 0..2 {
        let (status, body) = polls().await;
        assert_eq!((status, body.contains("\"code\":4")), (StatusCode::TOO_MANY_REQUESTS, true), "{body}");
    }
    let mut beside = vec![ana.sio(None, Transport::WebSocket).await];
    // A place is given back by who moves to a WebSocket, and by who leaves.
    for leaves in [false, true] {
        let mut goes = known.remove(0);
        if leaves {
            assert!(goes.send("1").await);
        } else {
            goes.upgrade().await;
            beside.push(goes);
        }
        until("a place to be given back", async || polls().await.0 == StatusCode::OK).await;
        known.push(ana.sio(None, Transport::Polling).await);
        assert_eq!(polls().await.0, StatusCode::TOO_MANY_REQUESTS, "one place, not two");
    }
    for client in known.iter_mut().chain(&mut beside) {
        assert!(client.ok("ping", json!({})).await["cursor"].is_string());
    }
    server.stop().await;
});

each_mix!(a_second_poll_at_the_same_time_is_refused_and_closes_the_session, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    for is_connected in [true, false] {
        let mut client = match is_connected {
            true => ana.sio(None, Transport::Polling).await,
            false => Sio::open(&server, Transport::Polling).await,
        };
        let url = polling(client.address, &client.sid);
        let polls = [0; 2].map(|_| {
            let url = url.clone();
            tokio::spawn(async move { answered(reqwest::Client::new().get(url)).await })
        });
        let mut answers = Vec::new();
        for poll in polls {
            answers.push(soon("an answer", poll).await.unwrap());
        }
        answers.sort_by_key(|(status, _)| *status);
        let (received, refused) = (&answers[0], &answers[1]);
        assert_eq!((received.0, refused.0), (StatusCode::OK, StatusCode::BAD_REQUEST));
        assert!(if is_connected { received.1.contains(r#""code":1002"#) } else { received.1 == "1" }, "{}", received.1);
        assert!(!client.send(r#"42["ping"]"#).await, "the session hears nothing more");
    }
    until("the seat to be free", async || server.app.hub.sockets() == 0).await;
    server.stop().await;
});

each_mix!(a_second_post_at_the_same_time_is_refused_and_closes_the_session, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let mut client = ana.sio(None, Transport::Polling).await;
    // One whose body does not come to its end.
    let mut slow = TcpStream::connect(server.address).await.unwrap();
    let path = format!("/socket.io/?EIO=4&transport=polling&sid={}", client.sid);
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\n4");
    slow.write_all(head.as_bytes()).await.unwrap();
    until("the second to be refused", async || {
        let request = reqwest::Client::new().post(polling(server.address, &client.sid)).body("3");
        answered(request).await.0 == StatusCode::BAD_REQUEST
    })
    .await;
    assert_eq!(client.end().await, dismissed(1002, Transport::Polling));
    server.stop().await;
});
