//! Sessions of one gateway whose requests come to another: a stock client behind a balancer that knows of no sessions.

use crate::support::{
    Door, Server, config, roomy,
    sio::{Sio, TRANSPORTS, Transport, answered, once, polling, web_socket},
    soon, until,
};
use config::{Advertise, Config, Secret, SocketSettings};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};
use testkit::{Engine, Home, each_mix};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A balancer that gives each connection to the next server that takes it.
struct Balancer {
    door: Door,
    task: JoinHandle<()>,
}

impl Balancer {
    async fn start(servers: Vec<SocketAddr>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let door = Door { address: listener.local_addr().unwrap() };
        let turn = Arc::new(AtomicUsize::new(0));
        let task = tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (servers, turn) = (servers.clone(), Arc::clone(&turn));
                tokio::spawn(async move {
                    for _ in 0..servers.len() {
                        let next = servers[turn.fetch_add(1, Relaxed) % servers.len()];
                        if let Ok(mut server) = TcpStream::connect(next).await {
                            let _ = copy_bidirectional(&mut client, &mut server).await;
                            return;
                        }
                    }
                });
            }
        });
        Self { door, task }
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Two gateways with one secret.
async fn two(home: &Home, sockets: SocketSettings) -> [Server; 2] {
    let config = || Config { sockets, ..config(home) };
    [Server::start_with(config()).await, Server::start_with(config()).await]
}

async fn stop([one, two]: [Server; 2]) {
    tokio::join!(one.stop(), two.stop());
}

async fn status(request: reqwest::RequestBuilder) -> (StatusCode, Value) {
    let (status, body) = answered(request).await;
    (status, serde_json::from_str(&body).unwrap_or_default())
}

each_mix!(a_session_is_served_by_its_gateway_wherever_its_requests_come, |home| async move {
    let servers = two(&home, roomy()).await;
    let (ana, ben_id) = (servers[0].register("ana").await, servers[1].register("ben").await);
    let mut ben = servers[1].connect(&ben_id, None).await;
    let mut client = Sio::connect(&servers[0], &ana, None, Transport::Polling).await;
    let room = client.group(&[ben_id.id], "Room").await;
    // Every request of the session comes to the other gateway from here on.
    client.address = servers[1].address;
    let said = client.ask("sendMessage", json!({"conversationId": room, "content": "by way of the other"})).await;
    assert_eq!(said["status"], "success");
    while ben.push().await["data"]["id"] != said["messageId"] {}
    ben.say(&room, "an answer").await;
    while client.event("messageComing").await["content"] != "an answer" {}
    assert_eq!((servers[0].app.hub.sockets(), servers[1].app.hub.sockets()), (1, 1), "it is still the first one's");
    // The WebSocket as well, and what came before it moved.
    client.upgrade().await;
    ben.say(&room, "over a socket").await;
    while client.event("messageComing").await["content"] != "over a socket" {}
    assert!(client.ok("ping", json!({})).await["cursor"].is_string());
    client.send("41").await;
    assert_eq!(client.end().await.socket, Some(1000), "the goodbye is passed on, too");
    until("the seat to be free", async || servers[0].app.hub.sockets() == 0).await;
    stop(servers).await;
});

each_mix!(a_stock_client_connects_sends_and_resumes_behind_a_plain_round_robin, |home| async move {
    let servers = two(&home, roomy()).await;
    let balancer = Balancer::start(servers.iter().map(|server| server.address).collect()).await;
    let (ana, ben) = (servers[0].register("ana").await, servers[1].register("ben").await);
    let mut clients = Vec::new();
    for transport in TRANSPORTS {
        for _ in 0..2 {
            clients.push((transport, Sio::connect(&balancer.door, &ana, None, transport).await));
        }
    }
    let mut sender = Sio::connect(&balancer.door, &ben, None, Transport::Polling).await;
    let room = sender.group(&[ana.id], "Room").await;
    let said = sender.ask("sendMessage", json!({"conversationId": room, "content": "to all"})).await;
    for (transport, client) in &mut clients {
        assert_eq!(client.event("messageComing").await["messageId"], said["messageId"], "{transport:?}");
        let own = client.ask("sendMessage", json!({"conversationId": room, "content": format!("{transport:?}")})).await;
        assert_eq!(own["status"], "success");
        client.event("messageProcessed").await;
    }
    // One of the two ends; its clients reconnect through the balancer, and resume by their cursors.
    let [one, other] = servers;
    one.stop().await;
    let mut sender = Sio::connect(&balancer.door, &ben, None, Transport::Polling).await;
    let missed = sender.ask("sendMessage", json!({"conversationId": room, "content": "meanwhile"})).await;
    for (transport, client) in clients {
        let mut back = Sio::connect(&balancer.door, &ana, Some(&client.cursor), transport).await;
        while back.event("messageComing").await["messageId"] != missed["messageId"] {}
        assert!(back.ok("ping", json!({})).await["cursor"].is_string());
    }
    other.stop().await;
});

each_mix!(requests_of_no_gateway_are_passed_on_to_none, |home| async move {
    let servers = two(&home, roomy()).await;
    let ana = servers[0].register("ana").await;
    let client = Sio::connect(&servers[0], &ana, None, Transport::Polling).await;
    let elsewhere = polling(servers[1].address, &client.sid);
    let unknown = (StatusCode::BAD_REQUEST, json!({"code": 1, "message": "Session ID unknown"}));
    // Passed on once already; made up; another one's with one letter changed.
    let again = once().get(&elsewhere).header("chatchit-passed-on", "1");
    assert_eq!(status(again).await, unknown);
    for sid in ["AAAAAAAAAAAAAAAAAAAA", &format!("A{}", &client.sid[1..]), &format!("B{}", &client.sid[1..])] {
        if sid != client.sid {
            assert_eq!(status(once().get(polling(servers[1].address, sid))).await, unknown, "{sid}");
        }
    }
    // What its own gateway refuses is refused in its words.
    let big = once().post(&elsewhere).body("4".repeat(70_000));
    let (refused, body) = status(big).await;
    // Unless its connection was cut before the answer was read.
    let is_refused = refused == StatusCode::PAYLOAD_TOO_LARGE && body["code"] == 3;
    assert!(is_refused || (refused, body.clone()) == unknown, "{refused} {body}");
    until("the session to be closed", async || servers[0].app.hub.sockets() == 0).await;
    let client = Sio::connect(&servers[0], &ana, None, Transport::Polling).await;
    let elsewhere = polling(servers[1].address, &client.sid);
    let [one, other] = servers;
    one.stop().await;
    assert_eq!(status(once().get(&elsewhere)).await, unknown, "its gateway is gone");
    other.stop().await;
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_many_requests_are_passed_on_at_once_and_no_more() {
    let home = Home::new(Engine::Sqlite).await;
    let servers = two(&home, SocketSettings { passed_on: 1, ..roomy() }).await;
    let ana = servers[0].register("ana").await;
    let mut first = Sio::connect(&servers[0], &ana, None, Transport::Polling).await;
    let mut second = Sio::connect(&servers[0], &ana, None, Transport::Polling).await;
    // A WebSocket through the other gateway takes the one place for as long as it is open.
    first.address = servers[1].address;
    let socket = web_socket(servers[1].address, &first.sid, None).await;
    let elsewhere = polling(servers[1].address, &second.sid);
    let (refused, body) = status(once().post(&elsewhere).body("3")).await;
    assert_eq!((refused, &body["code"]), (StatusCode::TOO_MANY_REQUESTS, &json!(4)));
    assert!(second.ok("ping", json!({})).await["cursor"].is_string(), "at its own it goes on");
    drop(socket);
    let is_free = async || answered(once().post(&elsewhere).body("3")).await.0 == StatusCode::OK;
    until("the place to be free", is_free).await;
    stop(servers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_tells_no_address_is_asked_by_none() {
    let home = Home::new(Engine::Sqlite).await;
    let alone = Server::start_with(Config { advertise: Advertise::No, ..config(&home) }).await;
    let other = Server::start(&home).await;
    let ana = alone.register("ana").await;
    let mut client = Sio::connect(&alone, &ana, None, Transport::Polling).await;
    assert_eq!(status(once().get(polling(other.address, &client.sid))).await.1["code"], 1);
    assert!(client.ok("ping", json!({})).await["cursor"].is_string());
    tokio::join!(alone.stop(), other.stop());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_origin_is_judged_by_the_gateway_that_was_asked() {
    let home = Home::new(Engine::Sqlite).await;
    let page = "https://chat.example";
    let front = Config { allowed_origins: vec![page.to_owned()], ..config(&home) };
    let (front, behind) = (Server::start_with(front).await, Server::start(&home).await);
    let ana = behind.register("ana").await;
    let client = Sio::connect(&behind, &ana, None, Transport::Polling).await;
    let post = |server: &Server, origin: &str| {
        once().post(polling(server.address, &client.sid)).header("origin", origin.to_owned()).body("3")
    };
    let response = soon("an answer", post(&front, page).send()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["access-control-allow-origin"], page);
    assert_eq!(status(post(&front, "https://evil.example")).await.0, StatusCode::FORBIDDEN);
    assert_eq!(status(post(&behind, page)).await.0, StatusCode::FORBIDDEN);
    tokio::join!(front.stop(), behind.stop());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_of_another_installation_is_nobodys() {
    let (home, other_home) = (Home::new(Engine::Sqlite).await, Home::new(Engine::Sqlite).await);
    let secret = || Some(Secret::new("one signing secret for both installations"));
    let server = Server::start_with(Config { access_secret: secret(), ..config(&home) }).await;
    let foreign = Server::start_with(Config { access_secret: secret(), ..config(&other_home) }).await;
    let session = Sio::open(&foreign, Transport::Polling).await;
    assert_eq!(status(once().get(polling(server.address, &session.sid))).await.1["code"], 1);
    tokio::join!(server.stop(), foreign.stop());
}
