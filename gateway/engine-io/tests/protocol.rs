//! What Engine.IO 4 and Socket.IO 5 demand, case by case, over real sockets.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod echo;

use engine_io::Settings;
use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use std::{future::Future, net::SocketAddr, time::Duration};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{
        Message,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

/// Nobody is pinged within a test.
const PATIENT: Settings =
    Settings { ping_interval: Duration::from_secs(600), ping_timeout: Duration::from_secs(600), ..echo::SETTINGS };

/// Longer than anything here takes on a busy machine.
async fn soon<T>(happens: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), happens).await.expect("waited in vain")
}

struct Server(SocketAddr);

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

async fn start(settings: Settings) -> Server {
    let (address, serving) = echo::listen("127.0.0.1:0", settings).await;
    tokio::spawn(serving);
    Server(address)
}

impl Server {
    async fn ask(&self, method: Method, query: &str, body: &'static str) -> (StatusCode, String) {
        let request = Client::new().request(method, format!("http://{}/engine.io/?{query}", self.0)).body(body);
        let response = soon(request.send()).await.unwrap();
        (response.status(), soon(response.text()).await.unwrap())
    }

    async fn open(&self) -> String {
        let (status, opening) = self.ask(Method::GET, "EIO=4&transport=polling", "").await;
        assert_eq!(status, 200);
        let opening: Value = serde_json::from_str(opening.strip_prefix('0').unwrap()).unwrap();
        opening["sid"].as_str().unwrap().to_owned()
    }

    async fn poll(&self, sid: &str) -> (StatusCode, String) {
        self.ask(Method::GET, &format!("EIO=4&transport=polling&sid={sid}"), "").await
    }

    async fn post(&self, sid: &str, body: &'static str) -> (StatusCode, String) {
        self.ask(Method::POST, &format!("EIO=4&transport=polling&sid={sid}"), body).await
    }

    /// Polls until the session is over.
    async fn over(&self, sid: &str) {
        while self.poll(sid).await.0 == 200 {}
        let (status, body) = self.poll(sid).await;
        assert_eq!((status, body.contains("\"code\":1")), (StatusCode::BAD_REQUEST, true), "{body}");
    }

    async fn dial(&self, path: &str, query: &str) -> Option<Socket> {
        let url = format!("ws://{}/{path}/?{query}", self.0);
        soon(connect_async(url)).await.ok().map(|(socket, _)| Socket(socket))
    }

    async fn socket(&self, path: &str) -> Socket {
        let mut socket = self.dial(path, "EIO=4&transport=websocket").await.unwrap();
        assert!(socket.text().await.starts_with('0'));
        socket
    }

    /// A WebSocket that is in the namespace `/`.
    async fn connected(&self) -> Socket {
        let mut socket = self.socket("socket.io").await;
        socket.say("40").await;
        assert!(socket.text().await.starts_with("40{"));
        assert_eq!(socket.text().await, r#"42["auth",{}]"#);
        socket
    }
}

impl Socket {
    async fn send(&mut self, frame: Message) {
        soon(self.0.send(frame)).await.unwrap();
    }

    async fn say(&mut self, text: &str) {
        self.send(Message::text(text)).await;
    }

    async fn frame(&mut self) -> Message {
        soon(self.0.next()).await.unwrap().unwrap()
    }

    async fn text(&mut self) -> String {
        self.frame().await.into_text().unwrap().to_string()
    }

    /// Reads to the end; answers the close code if there was one.
    async fn end(mut self) -> Option<u16> {
        let mut code = None;
        while let Some(Ok(frame)) = soon(self.0.next()).await {
            if let Message::Close(Some(CloseFrame { code: closed, .. })) = frame {
                code = Some(closed.into());
            }
        }
        code
    }
}

#[tokio::test]
async fn a_session_opens_on_either_transport_with_its_handshake() {
    let server = start(echo::SETTINGS).await;
    let (status, polled) = server.ask(Method::GET, "EIO=4&transport=polling", "").await;
    assert_eq!(status, 200);
    let mut socket = server.dial("engine.io", "EIO=4&transport=websocket").await.unwrap();
    for (opening, upgrades) in [(polled, json!(["websocket"])), (socket.text().await, json!([]))] {
        let mut opening: Value = serde_json::from_str(opening.strip_prefix('0').unwrap()).unwrap();
        assert!(opening.as_object_mut().unwrap().remove("sid").unwrap().is_string());
        let want = json!({"upgrades": upgrades, "pingInterval": 300, "pingTimeout": 200, "maxPayload": 1_000_000});
        assert_eq!(opening, want);
    }
}

#[tokio::test]
async fn requests_of_other_protocols_are_refused() {
    let server = start(PATIENT).await;
    for query in
        ["transport=polling", "EIO=abc&transport=polling", "EIO=3&transport=polling", "EIO=4", "EIO=4&transport=abc"]
    {
        assert_eq!(server.ask(Method::GET, query, "").await.0, StatusCode::BAD_REQUEST, "{query}");
        let query = query.replace("polling", "websocket");
        assert!(server.dial("engine.io", &query).await.is_none(), "{query}");
    }
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        assert_eq!(server.ask(method, "EIO=4&transport=polling", "").await.0, StatusCode::BAD_REQUEST);
    }
    assert_eq!(server.poll("nobody").await.0, StatusCode::BAD_REQUEST);
    assert!(server.dial("engine.io", "EIO=4&transport=websocket&sid=nobody").await.is_none());
}

#[tokio::test]
async fn a_payload_of_several_packets_comes_back_whole() {
    let server = start(PATIENT).await;
    for payload in ["4hello", "4test1\u{1e}4test2\u{1e}4test3", "4hello\u{1e}bAQIDBA==", "4é💥\u{1e}4"] {
        let sid = server.open().await;
        assert_eq!(server.post(&sid, payload).await, (StatusCode::OK, "ok".to_owned()));
        assert_eq!(server.poll(&sid).await, (StatusCode::OK, payload.to_owned()));
    }
}

#[tokio::test]
async fn frames_of_text_and_of_bytes_come_back() {
    let server = start(PATIENT).await;
    let mut socket = server.socket("engine.io").await;
    for (frame, back) in [
        (Message::text("4hello"), Message::text("4hello")),
        (Message::binary(vec![1, 2, 3, 4]), Message::binary(vec![1, 2, 3, 4])),
        (Message::binary(vec![]), Message::binary(vec![])),
        (Message::text("4"), Message::text("4")),
    ] {
        socket.send(frame).await;
        assert_eq!(socket.frame().await, back);
    }
}

#[tokio::test]
async fn what_is_no_packet_closes_the_session() {
    let server = start(PATIENT).await;
    for packet in ["abc", "", "7", "b!"] {
        let sid = server.open().await;
        server.post(&sid, packet).await;
        server.over(&sid).await;
        let mut socket = server.socket("engine.io").await;
        socket.say(packet).await;
        assert_eq!(socket.end().await, Some(1002), "{packet:?}");
    }
}

#[tokio::test]
async fn a_second_poll_is_refused_and_closes_the_session() {
    let server = start(PATIENT).await;
    let sid = server.open().await;
    let mut answers = [server.poll(&sid), server.poll(&sid)].map(Box::pin);
    let [one, other] = &mut answers;
    let (one, other) = tokio::join!(one, other);
    let mut answers = [one, other];
    answers.sort();
    assert_eq!(answers[0], (StatusCode::OK, "1".to_owned()));
    assert_eq!(answers[1].0, StatusCode::BAD_REQUEST);
    server.over(&sid).await;
}

#[tokio::test]
async fn who_answers_pings_is_pinged_again() {
    let settings = Settings { ping_interval: Duration::from_millis(50), ..PATIENT };
    let server = start(settings).await;
    let (sid, mut socket) = (server.open().await, server.socket("engine.io").await);
    for _ in 0..3 {
        assert_eq!(server.poll(&sid).await, (StatusCode::OK, "2".to_owned()));
        assert_eq!(server.post(&sid, "3").await.0, StatusCode::OK);
        assert_eq!(socket.text().await, "2");
        socket.say("3").await;
    }
}

#[tokio::test]
async fn who_answers_no_ping_is_given_up() {
    let brief = Duration::from_millis(50);
    let server = start(Settings { ping_interval: brief, ping_timeout: brief, ..PATIENT }).await;
    let (sid, socket) = (server.open().await, server.socket("engine.io").await);
    socket.end().await;
    server.over(&sid).await;
    // Nobody polls it at all: it is given up all the same.
    let sid = server.open().await;
    let query = format!("EIO=4&transport=websocket&sid={sid}");
    let given_up = async { while !server.ask(Method::POST, &query, "").await.1.contains("\"code\":1") {} };
    soon(given_up).await;
    server.over(&sid).await;
}

#[tokio::test]
async fn a_client_closes_its_session() {
    let server = start(PATIENT).await;
    let sid = server.open().await;
    let (polled, posted) = tokio::join!(server.poll(&sid), server.post(&sid, "1"));
    assert_eq!(posted.0, StatusCode::OK);
    // The poll may have come after the end.
    assert!(polled == (StatusCode::OK, "6".to_owned()) || polled.0 == StatusCode::BAD_REQUEST, "{polled:?}");
    server.over(&sid).await;
    let mut socket = server.socket("engine.io").await;
    socket.say("1").await;
    assert_eq!(socket.end().await, Some(1000));
    // A Close that comes right behind it is answered, too.
    let mut socket = server.socket("engine.io").await;
    socket.say("1").await;
    socket.send(Message::Close(Some(CloseFrame { code: CloseCode::Away, reason: "bye".into() }))).await;
    assert!(socket.end().await.is_some());
}

#[tokio::test]
async fn a_session_moves_to_a_web_socket_and_is_there_alone() {
    let server = start(PATIENT).await;
    let sid = server.open().await;
    let query = format!("EIO=4&transport=websocket&sid={sid}");
    assert_eq!(server.post(&sid, "4before").await.0, StatusCode::OK);
    let mut socket = server.dial("engine.io", &query).await.unwrap();
    socket.say("2probe").await;
    assert_eq!(socket.text().await, "3probe");
    // What waits is fetched, and then no poll is kept waiting.
    let mut polled = vec![server.poll(&sid).await.1, server.poll(&sid).await.1];
    polled.sort();
    assert_eq!(polled, ["4before", "6"]);
    socket.say("5").await;
    socket.say("4hello").await;
    assert_eq!(socket.text().await, "4hello");
    assert_eq!(server.poll(&sid).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(server.post(&sid, "4x").await.0, StatusCode::BAD_REQUEST);
    assert!(server.dial("engine.io", &query).await.unwrap().end().await.is_some());
    socket.say("4still here").await;
    assert_eq!(socket.text().await, "4still here");
}

#[tokio::test]
async fn limits_hold_on_both_transports() {
    let server = start(Settings { max_payload: 100, strangers_per_address: 2, ..PATIENT }).await;
    let fits: &'static str = Box::leak(format!("4{}", "x".repeat(99)).into_boxed_str());
    let large: &'static str = Box::leak(format!("4{}", "x".repeat(100)).into_boxed_str());
    let sid = server.open().await;
    assert_eq!(server.post(&sid, fits).await.0, StatusCode::OK);
    assert_eq!(server.poll(&sid).await.1, fits);
    assert_eq!(server.post(&sid, large).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    server.over(&sid).await;
    let mut socket = server.socket("engine.io").await;
    socket.say(fits).await;
    assert_eq!(socket.text().await, fits);
    socket.say(large).await;
    assert_eq!(socket.end().await, Some(1009));
    // Who opens one too many loses the oldest.
    let [first, second, third] = [server.open().await, server.open().await, server.open().await];
    assert_eq!(server.post(&first, "4x").await.0, StatusCode::BAD_REQUEST);
    for sid in [second, third] {
        assert_eq!(server.post(&sid, "4x").await.0, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_client_is_let_into_the_namespaces_that_there_are() {
    let server = start(PATIENT).await;
    for (connect, namespace, auth) in [
        ("40", "", "{}"),
        (r#"40{"token":"123"}"#, "", r#"{"token":"123"}"#),
        ("40/custom", "/custom,", "{}"),
        ("40/custom,", "/custom,", "{}"),
        (r#"40/custom,{"token":"abc"}"#, "/custom,", r#"{"token":"abc"}"#),
    ] {
        let mut socket = server.socket("socket.io").await;
        socket.say(connect).await;
        let connected = socket.text().await;
        let connected = connected.strip_prefix("40").and_then(|rest| rest.strip_prefix(namespace)).unwrap();
        let connected: Value = serde_json::from_str(connected).unwrap();
        assert!(connected["sid"].is_string() && connected.as_object().unwrap().len() == 1);
        assert_eq!(socket.text().await, format!(r#"42{namespace}["auth",{auth}]"#));
    }
    let mut socket = server.socket("socket.io").await;
    socket.say("40/random").await;
    assert_eq!(socket.text().await, r#"44/random,{"message":"Invalid namespace"}"#);
    for rude in ["4abc", "40{", "44{}"] {
        let mut socket = server.socket("socket.io").await;
        socket.say(rude).await;
        assert_eq!(socket.end().await, Some(1002), "{rude}");
    }
}

#[tokio::test]
async fn a_client_leaves_a_namespace_and_stays_connected() {
    let server = start(Settings { ping_interval: Duration::from_millis(50), ..PATIENT }).await;
    let mut socket = server.socket("socket.io").await;
    socket.say("40").await;
    socket.say("41").await;
    // It is still pinged: the first ping may have come before it left, the second one answers what it said since.
    for _ in 0..2 {
        while socket.text().await != "2" {}
        socket.say("3").await;
    }
    let server = start(PATIENT).await;
    let mut socket = server.connected().await;
    socket.say("40/custom").await;
    assert!(socket.text().await.starts_with("40/custom,"));
    assert_eq!(socket.text().await, r#"42/custom,["auth",{}]"#);
    socket.say(r#"42/custom,["message",1]"#).await;
    assert_eq!(socket.text().await, r#"42/custom,["message-back",1]"#);
    socket.say("41/custom").await;
    socket.say(r#"42["message","to /"]"#).await;
    assert_eq!(socket.text().await, r#"42["message-back","to /"]"#);
}

#[tokio::test]
async fn events_come_back_and_are_acknowledged_with_what_is_attached() {
    let server = start(PATIENT).await;
    let mut socket = server.connected().await;
    let attached = r#"{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}"#;
    for (event, back, attachments) in [
        (r#"42["message",1,"2",{"3":[true]}]"#.to_owned(), r#"42["message-back",1,"2",{"3":[true]}]"#.to_owned(), 0),
        (r#"42456["message-with-ack",1,"2",{"3":[false]}]"#.to_owned(), r#"43456[1,"2",{"3":[false]}]"#.to_owned(), 0),
        (format!(r#"452-["message",{attached}]"#), format!(r#"452-["message-back",{attached}]"#), 2),
        (format!(r#"452-789["message-with-ack",{attached}]"#), format!("462-789[{attached}]"), 2),
    ] {
        socket.say(&event).await;
        for content in 0..attachments {
            socket.send(Message::binary(vec![content, 2, 3])).await;
        }
        assert_eq!(socket.text().await, back);
        for content in 0..attachments {
            assert_eq!(socket.frame().await, Message::binary(vec![content, 2, 3]));
        }
    }
}

#[tokio::test]
async fn what_is_no_event_closes_the_connection() {
    let server = start(PATIENT).await;
    for rude in ["4abc", "42{}", "42[]", r#"42abc["message-with-ack",1]"#, r#"42/custom,["message",1]"#] {
        let mut socket = server.connected().await;
        socket.say(rude).await;
        assert_eq!(socket.end().await, Some(1002), "{rude}");
    }
    // An attachment that nobody announced, and another packet where one was.
    let mut socket = server.connected().await;
    socket.send(Message::binary(vec![1])).await;
    assert_eq!(socket.end().await, Some(1002));
    let mut socket = server.connected().await;
    socket.say(r#"451-["message",{"_placeholder":true,"num":0}]"#).await;
    socket.say(r#"42["message",1]"#).await;
    assert_eq!(socket.end().await, Some(1002));
}
