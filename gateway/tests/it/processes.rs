//! The server as several processes on Postgres, RabbitMQ and Redis, which die one by one.

use crate::support::{
    self, Client, Door, End, Person, Process, in_order, names, position,
    sio::{Sio, Transport},
    soon, until,
};
use domain::Timestamp;
use event_store::{EventStore, Keys, Settings};
use serde_json::{Value, json};
use sql::{Database, Location, Query, query};
use std::{collections::BTreeSet, time::Duration};
use testkit::{Engine, Home, Mix, each_engine};
use tokio::time::timeout;
use uuid::Uuid;

async fn production() -> Home {
    Home::mix(Mix { engine: Engine::Postgres, rabbitmq: true, redis: true }).await
}

/// Sends texts into a room, and returns their positions.
async fn texts(client: &mut Client, room: &str, count: usize) -> Vec<u64> {
    let mut sent = Vec::new();
    for n in 0..count {
        sent.push(position(&client.say(room, &n.to_string()).await));
    }
    sent
}

/// The positions of the messages among the next pushes, until `last` is among them.
async fn arrived_until(client: &mut Client, last: u64) -> Vec<u64> {
    let pushes = client.pushes_to(last).await;
    pushes.iter().filter(|push| push["event"] == "message.sent").map(position).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_on_one_gateway_arrives_on_the_other_in_order() {
    let home = production().await;
    let (one, two) = (Process::start(&home, "gateway").await, Process::start(&home, "gateway").await);
    let _workers = [Process::start(&home, "worker").await, Process::start(&home, "worker").await];
    let (ana, ben) = (one.door.register("ana").await, two.door.register("ben").await);
    let mut a = one.door.connect(&ana, None).await;
    let mut b = two.door.connect(&ben, None).await;
    let room = a.group(&[ben.id], "Room").await;
    let sent = texts(&mut a, &room, 200).await;
    assert_eq!(arrived_until(&mut b, *sent.last().unwrap()).await, sent);
    // A signal that comes before the other gateway listens is lost: she types until one arrives.
    until("her typing to arrive", async || {
        a.ok("typing.start", json!({"conversationId": room})).await;
        let arrived = timeout(Duration::from_secs(1), b.signal()).await;
        a.ok("typing.stop", json!({"conversationId": room})).await;
        arrived.is_ok_and(|signal| signal["data"]["userId"] == json!(ana.id))
    })
    .await;
    let reaction = b.say(&room, "back").await;
    let reaction = b.ok("message.react", json!({"messageId": reaction["id"], "emoji": "👍"})).await;
    let arrived = in_order(a.pushes_to(position(&reaction)).await);
    assert_eq!(names(&arrived)[arrived.len() - 2..], ["message.sent", "message.reacted"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_workers_partitions_move() {
    let home = production().await;
    let gateway = Process::start(&home, "gateway").await;
    let (first, _second) = (Process::start(&home, "worker").await, Process::start(&home, "worker").await);
    let ana = gateway.door.register("ana").await;
    let mut a = gateway.door.connect(&ana, None).await;
    // Enough rooms that both workers have some of them.
    let mut rooms = Vec::new();
    for n in 0..24 {
        rooms.push(a.group(&[], &n.to_string()).await);
    }
    first.kill().await;
    for room in &rooms {
        a.say(room, "after").await;
    }
    for room in &rooms {
        let path = format!("/conversations/{room}/messages");
        let shown = async || gateway.door.read(&ana, &path).await["items"][0]["content"] == "after";
        until("the living worker to show it", shown).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_gateways_clients_resume_on_the_other_without_a_gap() {
    let home = production().await;
    let (one, two) = (Process::start(&home, "gateway").await, Process::start(&home, "gateway").await);
    let _worker = Process::start(&home, "worker").await;
    let (ana, ben) = (one.door.register("ana").await, two.door.register("ben").await);
    let mut a = one.door.connect(&ana, None).await;
    let mut b = two.door.connect(&ben, None).await;
    let room = b.group(&[ana.id], "Room").await;
    let mut sent = texts(&mut b, &room, 20).await;
    let mut arrived = arrived_until(&mut a, sent[9]).await;
    one.kill().await;
    sent.extend(texts(&mut b, &room, 20).await);
    assert_eq!(a.end().await, End::Lost);
    arrived.extend(a.left_over().iter().map(position));
    let mut a = two.door.connect(&ana, Some(&a.cursor)).await;
    arrived.extend(arrived_until(&mut a, *sent.last().unwrap()).await);
    assert_eq!(arrived.iter().copied().collect::<BTreeSet<_>>().len(), arrived.len(), "none twice");
    assert_eq!(arrived, sent, "none lost, all in order");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_polled_by_way_of_another_gateway_resumes_there_when_its_own_is_killed() {
    let home = production().await;
    let (one, two) = (Process::start(&home, "gateway").await, Process::start(&home, "gateway").await);
    let _worker = Process::start(&home, "worker").await;
    let (ana, ben) = (one.door.register("ana").await, two.door.register("ben").await);
    let mut client = Sio::connect(&one.door, &ana, None, Transport::Polling).await;
    client.address = two.door.address;
    let room = client.group(&[ben.id], "Room").await;
    let mut b = two.door.connect(&ben, None).await;
    let before = b.say(&room, "before").await;
    while client.event("messageComing").await["messageId"] != before["id"] {}
    one.kill().await;
    let missed = b.say(&room, "meanwhile").await;
    assert_eq!(client.end().await, support::sio::End::default(), "its session is unknown now");
    let mut back = Sio::connect(&two.door, &ana, Some(&client.cursor), Transport::Polling).await;
    while back.event("messageComing").await["messageId"] != missed["id"] {}
}

/// How far ahead the clock of a process is.
const AHEAD: &str = "CHATCHIT_TEST_CLOCK_OFFSET_MS";
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// What a request is answered, whatever that is.
async fn asked(door: &Door, path: &str, token: Option<&str>, key: Option<&str>, body: &Value) -> (u16, Value) {
    let request = reqwest::Client::new().post(format!("http://{}{path}", door.address)).json(body);
    let request = token.into_iter().fold(request, |request, token| request.bearer_auth(token));
    let request = key.into_iter().fold(request, |request, key| request.header("idempotency-key", key));
    let response = soon(path, request.send()).await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap_or_default())
}

async fn signed_in(door: &Door, person: &Person) -> Value {
    let body = json!({"email": format!("{}@test.example", person.name), "password": "correct horse"});
    door.anonymous("/auth/login", body).await.ok()
}

async fn number(log: &Database, sql: Query) -> i64 {
    log.fetch_optional(sql).await.unwrap().unwrap().get("number").unwrap()
}

/// Refresh tokens of the log: those that are good, and those that were replaced.
async fn tokens(log: &Database) -> (i64, i64) {
    let good = query("SELECT count(*) AS number FROM refresh_tokens WHERE replaced_at IS NULL");
    let replaced = query("SELECT count(*) AS number FROM refresh_tokens WHERE replaced_at IS NOT NULL");
    (number(log, good).await, number(log, replaced).await)
}

each_engine!(a_week_later_what_has_expired_is_purged_and_the_rest_stays, |home| async move {
    let data = home.folder().join("data");
    std::fs::create_dir(&data).unwrap();
    let location = match home.log() {
        Location::Sqlite { durability, .. } => Location::Sqlite { path: data.join("log.db"), durability },
        postgres => postgres,
    };
    let start = async |settings: &[(&str, &str)]| {
        let folder = [("CHATCHIT_DATA", data.to_str().unwrap())];
        Process::start_in(&home, &data, "serve", &[settings, &folder].concat()).await
    };
    let refresh = |token: &Value| json!({"refreshToken": token});
    let text = |content: &str| json!({"messageType": "TEXT", "content": content});
    let guid = json!({"guid": Uuid::from_u128(7), "messageType": "TEXT", "content": "for ever"});

    // Given a session that lasts for a month, and two that last for a week; a guid, keys, and a token that was replaced.
    let process = start(&[("JWT_REFRESH_EXPIRED", "30d")]).await;
    let ben = process.door.register("ben").await;
    let months = signed_in(&process.door, &ben).await["refreshToken"].clone();
    process.terminate().await;
    let process = start(&[("JWT_REFRESH_EXPIRED", "7d")]).await;
    let door = process.door;
    let ana = door.register("ana").await;
    let first = signed_in(&door, &ana).await["refreshToken"].clone();
    let (status, renewed) = asked(&door, "/auth/refresh", None, None, &refresh(&first)).await;
    assert_eq!(status, 200, "{renewed}");
    let room = door.write(&ana, "/conversations", json!({"type": "group", "members": []})).await;
    let path = format!("/conversations/{}/messages", room["id"].as_str().unwrap());
    let posted = door.write(&ana, &path, guid.clone()).await;
    let (status, keyed) = asked(&door, &path, Some(&ana.token), Some("a key"), &text("for a week")).await;
    assert_eq!(status, 201, "{keyed}");
    process.terminate().await;
    let log = Database::connect(&location, 1).await.unwrap();
    let for_ever = || query("SELECT count(*) AS number FROM command_keys WHERE forever");
    let last = number(&log, query("SELECT max(created_at) AS number FROM command_keys")).await;
    let old = || query("SELECT count(*) AS number FROM command_keys WHERE NOT forever AND created_at <= $1").bind(last);
    let guids = number(&log, for_ever()).await;
    assert!(guids > 0 && number(&log, old()).await > 2);
    assert_eq!(tokens(&log).await, (4, 1), "two sessions of each");

    // When a process starts whose clock is eight days ahead.
    let ahead = (8 * DAY_MS).to_string();
    let process = start(&[(AHEAD, &ahead), ("JWT_REFRESH_EXPIRED", "7d")]).await;
    let door = process.door;
    until("expired tokens to be purged", async || tokens(&log).await == (2, 0)).await;
    until("old keys to be purged", async || number(&log, old()).await == 0).await;

    // Then the week's sessions are over, and nothing else is.
    assert_eq!(number(&log, for_ever()).await, guids);
    for token in [&first, &renewed["refreshToken"]] {
        let (status, problem) = asked(&door, "/auth/refresh", None, None, &refresh(token)).await;
        assert_eq!((status, &problem["code"]), (401, &json!("invalid_token")));
    }
    assert_eq!(asked(&door, "/auth/refresh", None, None, &refresh(&months)).await.0, 200);
    let token = signed_in(&door, &ana).await["accessToken"].as_str().unwrap().to_owned();
    let (_, again) = asked(&door, &path, Some(&token), None, &guid).await;
    assert_eq!((&again["id"], &again["seq"]), (&posted["id"], &posted["seq"]), "a guid names its message for ever");
    let (status, other) = asked(&door, &path, Some(&token), Some("a key"), &text("another week")).await;
    assert_eq!((status, &other["seq"]), (201, &json!(3)), "a key may be used for something else: {other}");
    let ana = Person { token, ..ana };
    let shown = door.read(&ana, &path).await;
    let texts = shown["items"].as_array().unwrap().iter().map(|item| item["content"].as_str().unwrap());
    assert_eq!(texts.collect::<Vec<_>>(), ["another week", "for a week", "for ever"]);
    let alone = async || door.read(&ana, "/auth/sessions").await["items"].as_array().unwrap().len() == 1;
    until("the sessions that are over to be shown no more", alone).await;
    process.terminate().await;
    log.close().await;

    // And the log is whole.
    let clock = || Timestamp::from_millis(1_795_460_818_000);
    let settings = Settings { location, connections: 2, partitions: 16, keys: Keys { master: [0x42; 32] }, clock };
    let (store, _batches) = EventStore::open(settings).await.unwrap();
    let head = store.head().await.unwrap();
    let mut walk = store.walk_chain(0).await.unwrap().unwrap();
    while let Some(batch) = walk.next().await.unwrap() {
        assert!(batch.faults.is_empty(), "{:?}", batch.faults);
    }
    assert_eq!(store.check_end(&head, walk.position()).await.unwrap(), None);
});
