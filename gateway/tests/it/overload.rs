//! An overloaded server: it refuses at once what it cannot commit soon, loses nothing that it accepted, and then takes all again.

use crate::support::{Client, Person, Reply, Server, sio::Transport};
use event_store::Selection;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sql::{Database, Limits, Transaction, query};
use std::{collections::BTreeSet, time::Duration};
use testkit::{Home, each_mix, until, until_some};
use tokio::{task::JoinSet, time::timeout};

/// Sockets that post at the same time.
const SOCKETS: usize = 7;
/// The messages of each: fewer than a socket may have under way, and together more than pass without looking at their delay.
const EACH: usize = 30;
/// The messages that pass without looking at their delay.
const FEW: usize = 200;
/// A refusal comes within this time; nothing else does while the log is locked.
const AT_ONCE: Duration = Duration::from_millis(200);

each_mix!(an_overloaded_server_refuses_at_once_and_loses_nothing, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let room = server.conversation(&ana, "group", &[]).await;
    let mut senders = Vec::new();
    for _ in 0..=SOCKETS {
        senders.push(Sender::new(&server, &ana, &room).await);
    }
    let (mut signals, mut sio) = (server.connect(&ana, None).await, ana.sio(None, Transport::WebSocket).await);

    // Another process appends for a long time.
    let (_log, lock) = locked(&home).await;
    let (last, first) = senders.split_last_mut().unwrap();
    for sender in first {
        for _ in 0..EACH {
            sender.send().await;
        }
    }
    let refusal = until_some("a refusal on a socket", async || {
        last.send().await;
        timeout(AT_ONCE, last.next()).await.ok()
    });
    assert_overloaded(&refusal.await["error"]);

    // The same over REST, before the body is read, with the header that says when to come back.
    let path = format!("/conversations/{room}/messages");
    let mut posts = JoinSet::new();
    let refusal = until_some("a refusal over REST", async || {
        let (ana, path) = (ana.clone(), path.clone());
        posts.spawn(async move { ana.post(&path, json!({"content": "over REST"})).await });
        timeout(AT_ONCE, posts.join_next()).await.ok().flatten()
    });
    let refusal: Reply = refusal.await.unwrap();
    assert_overloaded(&refusal.refused(503, "overloaded").body);
    let wait = refusal.header("retry-after").unwrap().to_str().unwrap();
    assert_eq!(wait, refusal.body["retryAfter"].to_string());

    // Signals were the first to be refused. Reads are not.
    let typing = json!({"conversationId": room});
    assert_overloaded(&signals.refused("typing.start", typing.clone()).await);
    let answer = sio.ask("cmd", json!({"cmd": "typing.start", "data": typing})).await;
    assert_overloaded(&answer["error"]);
    server.read(&ana, "/conversations").await;

    lock.rollback().await.unwrap();
    let mut accepted = BTreeSet::new();
    for sender in &mut senders {
        accepted.extend(sender.accepted().await);
    }
    while let Some(reply) = posts.join_next().await {
        let reply = reply.unwrap();
        if reply.status == StatusCode::CREATED {
            accepted.insert(id(&reply.body));
        } else {
            assert_overloaded(&reply.refused(503, "overloaded").body);
        }
    }
    assert!(accepted.len() >= FEW, "{}", accepted.len());
    assert_eq!(stored(&server).await, accepted, "what was accepted, and nothing that was refused");

    // Nobody is refused any more.
    for sender in &mut senders {
        for _ in 0..EACH / 2 {
            sender.send().await;
        }
    }
    for sender in &mut senders {
        assert_eq!(sender.accepted().await.len(), EACH / 2);
    }
    until("signals to pass", async || {
        let id = signals.issue("typing.start", json!({"conversationId": room})).await;
        signals.reply(&id).await.get("ok").is_some()
    })
    .await;

    let text = server.send(server.request(Method::GET, "/metrics", None)).await.expect(StatusCode::OK);
    for line in [
        "chatchit_admissions_total{tier=\"high\",outcome=\"admitted\"} ",
        "chatchit_admissions_total{tier=\"high\",outcome=\"overloaded\"} ",
        "chatchit_admissions_total{tier=\"low\",outcome=\"overloaded\"} ",
        "chatchit_admission_seconds_count{tier=\"high\"} ",
    ] {
        assert!(text.as_str().unwrap().lines().any(|there| there.starts_with(line)), "{line} is missing");
    }
    server.stop().await;
});

/// A socket that posts into a room, and keeps the replies.
struct Sender {
    client: Client,
    room: String,
    under_way: BTreeSet<String>,
    replies: Vec<Value>,
}

impl Sender {
    async fn new(server: &Server, person: &Person, room: &str) -> Self {
        let client = server.connect(person, None).await;
        Self { client, room: room.to_owned(), under_way: BTreeSet::new(), replies: Vec::new() }
    }

    async fn send(&mut self) {
        let data = json!({"conversationId": self.room, "content": "hello"});
        let id = self.client.issue("message.send", data).await;
        self.under_way.insert(id);
    }

    /// The next reply, to whichever message.
    async fn next(&mut self) -> Value {
        loop {
            let frame = self.client.frame().await.expect("a reply");
            if frame["reply"].as_str().is_some_and(|id| self.under_way.remove(id)) {
                self.replies.push(frame.clone());
                return frame;
            }
        }
    }

    /// Waits for all replies; returns the messages that were accepted. All others were refused for the overload.
    async fn accepted(&mut self) -> Vec<String> {
        while !self.under_way.is_empty() {
            self.next().await;
        }
        let mut accepted = Vec::new();
        for reply in self.replies.drain(..) {
            match reply.get("ok") {
                Some(message) => accepted.push(id(message)),
                None => assert_overloaded(&reply["error"]),
            }
        }
        accepted
    }
}

fn id(message: &Value) -> String {
    message["id"].as_str().expect("an id").to_owned()
}

fn assert_overloaded(problem: &Value) {
    assert_eq!((&problem["code"], &problem["temporary"]), (&json!("overloaded"), &json!(true)), "{problem}");
    assert!((1..=5).contains(&problem["retryAfter"].as_u64().expect("a time")), "{problem}");
}

/// Keeps the log from being written until the transaction ends.
async fn locked(home: &Home) -> (Database, Transaction) {
    let log = Database::connect_for(&home.log(), 1, Limits::BULK).await.unwrap();
    let mut lock = log.begin().await.unwrap();
    if matches!(lock, Transaction::Postgres(_)) {
        let append = "SELECT 1 FROM pg_advisory_xact_lock(1128811092, current_schema()::regnamespace::oid::int4)";
        lock.execute(query(append)).await.unwrap();
    }
    (log, lock)
}

/// The messages in the log.
async fn stored(server: &Server) -> BTreeSet<String> {
    let (mut messages, mut after) = (BTreeSet::new(), 0);
    loop {
        let page = server.app.store.read_after(after, &Selection::All, 1_000).await.expect("a page");
        let Some(last) = page.last() else { return messages };
        after = last.record.position;
        let sent = page.iter().filter(|event| event.record.event_type == "message.sent");
        messages.extend(sent.map(|event| event.record.aggregate_id.to_string()));
    }
}
