//! The server as several processes on Postgres, RabbitMQ and Redis, which die one by one.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that finds nothing has failed")]

mod ws_support;

use serde_json::{Value, json};
use std::{collections::BTreeSet, process::Stdio};
use testkit::{Engine, Home, Mix};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};
use ws_support::{Client, Door, End, in_order, names, position, soon, until};

const SECRET: &str = "one signing secret for all processes";
const MASTER_KEY: &str = "4242424242424242424242424242424242424242424242424242424242424242";

/// A process of the server.
struct Process {
    child: Child,
    door: Door,
}

impl Process {
    async fn start(home: &Home, role: &str) -> Self {
        let data = tempfile::tempdir_in(home.folder()).unwrap().keep();
        let mut command = Command::new(env!("CARGO_BIN_EXE_chatchit"));
        command.arg(role).current_dir(&data).env_clear().kill_on_drop(true);
        command.envs([("PORT", "0"), ("LOG_FORMAT", "json"), ("JWT_ACCESS_TOKEN", SECRET)]);
        command.env("CHATCHIT_MASTER_KEY", MASTER_KEY).env("CHATCHIT_NAMESPACE", home.namespace());
        let engines = [
            ("DATABASE_URL", home.database_url()),
            ("RABBITMQ_URL", home.rabbitmq_url()),
            ("REDIS_URL", home.redis_url()),
        ];
        command.envs(engines.into_iter().filter_map(|(name, url)| Some((name, url?))));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = loop {
            let line = soon("the server's address", lines.next_line()).await.unwrap().expect("it listens");
            let line: Value = serde_json::from_str(&line).unwrap_or_default();
            if let Some(address) = line["fields"]["server.address"].as_str() {
                break address.parse().unwrap();
            }
        };
        // Read on, so that it never waits for us.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { child, door: Door { address } }
    }

    /// As a crash would.
    async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

async fn production() -> Home {
    Home::mix(Mix { engine: Engine::Postgres, rabbitmq: true, redis: true }).await
}

/// Sends texts into a room until told to stop, whatever happens to others; answers their positions.
async fn texts(client: &mut Client, room: &str, count: usize) -> Vec<u64> {
    let mut sent = Vec::new();
    for n in 0..count {
        sent.push(position(&client.say(room, &n.to_string()).await));
    }
    sent
}

/// The positions of the messages among the next pushes, until `last` is among them.
async fn heard_until(client: &mut Client, last: u64) -> Vec<u64> {
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
    assert_eq!(heard_until(&mut b, *sent.last().unwrap()).await, sent);
    a.ok("typing.start", json!({"conversationId": room})).await;
    assert_eq!(b.signal().await["data"]["userId"], json!(ana.id));
    let reaction = b.say(&room, "back").await;
    let reaction = b.ok("message.react", json!({"messageId": reaction["id"], "emoji": "👍"})).await;
    let heard = in_order(a.pushes_to(position(&reaction)).await);
    assert_eq!(names(&heard)[heard.len() - 2..], ["message.sent", "message.reacted"]);
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
        let shown = async || gateway.door.get(&path, &ana).await["items"][0]["content"] == "after";
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
    let mut heard = heard_until(&mut a, sent[9]).await;
    one.kill().await;
    sent.extend(texts(&mut b, &room, 20).await);
    assert_eq!(a.end().await, End::Lost);
    heard.extend(a.left_over().iter().map(position));
    let mut a = two.door.connect(&ana, Some(&a.cursor)).await;
    heard.extend(heard_until(&mut a, *sent.last().unwrap()).await);
    assert_eq!(heard.iter().copied().collect::<BTreeSet<_>>().len(), heard.len(), "none twice");
    assert_eq!(heard, sent, "none lost, all in order");
}
