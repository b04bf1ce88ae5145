//! How sockets and sessions end at `/socket.io/`, on each transport.

use crate::{
    sio_door::{dismissed, with},
    support::{
        self, Person, Server, config, roomy,
        sio::{End, TRANSPORTS, Transport, answered, polling, web_socket},
        soon, until,
    },
};
use config::{Config, Secret, SocketSettings};
use domain::{SessionId, UserId};
use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::each_mix;
use tokens::Tokens;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, protocol::CloseFrame},
};

/// Sent away to come back, with this code.
fn sent_back(code: u16, transport: Transport) -> End {
    End { disconnected: false, ..dismissed(code, transport) }
}

/// Somebody whose session ends, and how their sockets do.
async fn sign_out(server: &Server, person: &Person) {
    server.write(person, "/auth/logout", json!({})).await;
}

each_mix!(a_goodbye_is_answered, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let goodbye = async |mut socket: WebSocketStream<TcpStream>, code: u16| {
        let frame = CloseFrame { code: code.into(), reason: "bye".into() };
        socket.send(Message::Close(Some(frame))).await.unwrap();
        loop {
            match soon("the answer", socket.next()).await {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| u16::from(frame.code)),
                Some(Ok(_)) => (),
                other => panic!("no clean end: {other:?}"),
            }
        }
    };
    let plain = async || {
        let stream = TcpStream::connect(server.address).await.unwrap();
        client_async(format!("ws://{}/ws", server.address), stream).await.unwrap().0
    };
    let greet = async |mut socket: WebSocketStream<TcpStream>, text: String| {
        socket.send(Message::text(text)).await.unwrap();
        while !soon("hello", socket.next()).await.unwrap().unwrap().to_text().unwrap().contains("hello") {}
        socket
    };
    let auth = json!({"id": "0", "cmd": "auth", "data": {"token": ana.token}}).to_string();
    let connect = format!("40{}", json!({"token": ana.token}));
    for code in [1000, 1001, 4000] {
        assert_eq!(goodbye(plain().await, code).await, Some(code), "before its credentials");
        assert_eq!(goodbye(greet(plain().await, auth.clone()).await, code).await, Some(code), "after them");
        let sio = || web_socket(server.address, "", None);
        assert_eq!(goodbye(sio().await, code).await, Some(code), "on Socket.IO");
        assert_eq!(goodbye(greet(sio().await, connect.clone()).await, code).await, Some(code));
        // One that probes, and leaves.
        let polled = ana.sio(None, Transport::Polling).await;
        assert_eq!(goodbye(web_socket(server.address, &polled.sid, None).await, code).await, Some(code));
        let mut moved = ana.sio(None, Transport::Upgraded).await;
        moved.send_frame(Message::Close(Some(CloseFrame { code: code.into(), reason: "".into() }))).await;
        assert_eq!(moved.end().await.socket, Some(code));
    }
    server.stop().await;
});

each_mix!(a_token_shown_on_an_open_socket_renews_it, |home| async move {
    let secret = "the signing secret of this test alone";
    // Sooner than the first ping, and later than all that is shown before.
    let access_expired = Duration::from_secs(20);
    let access_secret = Some(Secret::new(secret));
    let server = Server::start_with(Config { access_expired, access_secret, ..config(&home) }).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let mut plain = server.open(Some(&ana.token), None, None).await.unwrap();
    let session = plain.hello().await["sessionId"].as_str().unwrap().parse().map(SessionId).unwrap();
    let mut left = server.connect(&ana, None).await;
    let mut polled = ana.sio(None, Transport::Polling).await;
    let mut moved = ana.sio(None, Transport::Upgraded).await;
    // Neither nonsense nor another session's token does, of whomever it is; and the socket lives on.
    let laptop = server.login(&ana).await;
    for (token, code) in [
        ("nonsense", "invalid_token"),
        (laptop.token.as_str(), "already_authenticated"),
        (ben.token.as_str(), "already_authenticated"),
    ] {
        let received = plain.refused("auth", json!({"token": token})).await;
        let refused = polled.ask("cmd", json!({"cmd": "auth", "data": {"token": token}})).await;
        assert_eq!([&received["code"], &refused["error"]["code"]], [code; 2]);
        // Each door says where the token belongs there.
        let says = |problem: &Value, place: &str| problem["detail"].as_str().unwrap().contains(place);
        let is_bad = code == "invalid_token";
        assert_eq!((says(&received, "`data.token`"), says(&refused["error"], "`auth: {")), (is_bad, is_bad));
    }
    // A later token of the same session does.
    let tokens = Tokens::new(secret.as_bytes(), &[], Duration::from_secs(3_600));
    let fresh = tokens.issue(UserId(ana.id), session, (server.app.clock)()).unwrap();
    let on = json!({"userId": ana.id, "sessionId": session.0});
    assert_eq!(plain.ok("auth", json!({"token": fresh})).await, on);
    assert_eq!(polled.ok("auth", json!({"token": fresh})).await, on);
    assert!(moved.send(&format!("40{}", json!({"token": fresh}))).await, "a second CONNECT is the same");
    assert!(moved.ok("ping", json!({})).await["cursor"].is_string());
    // An earlier one shortens nothing.
    assert_eq!(plain.ok("auth", json!({"token": ana.token})).await, on);
    assert_eq!(left.end().await, support::End::Closed(4001), "whose token has expired");
    assert!(plain.ok("ping", json!({})).await["cursor"].is_string());
    for client in [&mut polled, &mut moved] {
        assert!(client.ok("ping", json!({})).await["cursor"].is_string());
    }
    server.stop().await;
});

each_mix!(what_ends_a_session_closes_its_sockets, |home| async move {
    let server = Server::start(&home).await;
    let phone = server.register("ana").await;
    for transport in TRANSPORTS {
        let laptop = server.login(&phone).await;
        let mut on_phone = phone.sio(None, transport).await;
        let mut on_laptop = laptop.sio(None, transport).await;
        sign_out(&server, &laptop).await;
        assert_eq!(on_laptop.end().await, dismissed(4009, transport));
        assert_eq!(on_laptop.reason.as_deref(), Some("signed out"));
        assert!(on_phone.ok("ping", json!({})).await["cursor"].is_string());
        assert!(!on_laptop.send("3").await || transport != Transport::Polling, "the session is gone");
    }
    server.stop().await;
});

each_mix!(a_token_that_expires_closes_its_sockets, |home| async move {
    let server = Server::start_with(Config { access_expired: Duration::from_secs(10), ..config(&home) }).await;
    let ana = server.register("ana").await;
    let mut clients = Vec::new();
    for transport in TRANSPORTS {
        clients.push((transport, ana.sio(None, transport).await));
    }
    for (transport, client) in &mut clients {
        assert_eq!(client.end().await, dismissed(4001, *transport));
        assert_eq!(client.reason.as_deref(), Some("the access token has expired"));
    }
    server.stop().await;
});

each_mix!(one_socket_too_many_closes_the_oldest_of_any_door, |home| async move {
    let server = Server::start_with(with(&home, SocketSettings { sockets_per_user: 3, ..roomy() })).await;
    let ana = server.register("ana").await;
    let mut polled = ana.sio(None, Transport::Polling).await;
    let mut plain = server.connect(&ana, None).await;
    let _third = ana.sio(None, Transport::WebSocket).await;
    let _fourth = ana.sio(None, Transport::Upgraded).await;
    assert_eq!(polled.end().await, dismissed(4009, Transport::Polling));
    assert_eq!(polled.reason.as_deref(), Some("replaced by a newer socket of the same user"));
    let _fifth = ana.sio(None, Transport::Polling).await;
    assert_eq!(plain.end().await, support::End::Closed(4009));
    server.stop().await;
});

each_mix!(who_does_not_answer_pings_is_gone, |home| async move {
    let settings = SocketSettings { heartbeat: Duration::from_secs(5), ..roomy() };
    let server = Server::start_with(with(&home, settings)).await;
    let ana = server.register("ana").await;
    let dead_poller = ana.sio(None, Transport::Polling).await;
    let dead_socket = ana.sio(None, Transport::WebSocket).await;
    // One that answers lives on, and sees the others go.
    let mut other = ana.sio(None, Transport::Upgraded).await;
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
        clients.push((transport, ana.sio(None, transport).await));
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
            let mut client = ana.sio(None, transport).await;
            client.send(goodbye).await;
            until("the seat to be free", async || server.app.hub.sockets() == 0).await;
        }
    }
    // A disconnect answers the waiting poll with nothing.
    let client = ana.sio(None, Transport::Polling).await;
    let url = polling(client.address, &client.sid);
    let waiting = tokio::spawn(async move { answered(reqwest::Client::new().get(url)).await });
    let url = polling(client.address, &client.sid);
    until("the poll to be answered", async || {
        answered(reqwest::Client::new().post(&url).body("1")).await;
        waiting.is_finished()
    })
    .await;
    let (status, body) = soon("the poll", waiting).await.unwrap();
    assert!((status, body.as_str()) == (StatusCode::OK, "6") || status == StatusCode::BAD_REQUEST, "{status} {body}");
    // A probe that comes to nothing leaves the session polled.
    let mut client = ana.sio(None, Transport::Polling).await;
    drop(web_socket(server.address, &client.sid, None).await);
    assert!(client.ok("ping", json!({})).await["cursor"].is_string());
    server.stop().await;
});
