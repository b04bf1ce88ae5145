//! No wait is without an end: servers that are killed, engines that fall silent, tasks that die.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that finds nothing has failed")]

mod ws_support;

use gateway::{Application, Config, config::Role};
use serde_json::{Value, json};
use std::process::Stdio;
use testkit::{Cable, Engine, Home, each_engine};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};
use tokio_util::sync::CancellationToken;
use ws_support::{Door, Person, Server, config, soon, until};

const SECRET: &str = "one signing secret for all processes";
const MASTER_KEY: &str = "4242424242424242424242424242424242424242424242424242424242424242";

/// A process of the server, whose data folder stays.
struct Process {
    child: Child,
    door: Door,
}

impl Process {
    async fn start(home: &Home, database_url: Option<String>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chatchit"));
        command.arg("serve").current_dir(home.folder()).env_clear().kill_on_drop(true);
        command.envs([("PORT", "0"), ("LOG_FORMAT", "json"), ("JWT_ACCESS_TOKEN", SECRET)]);
        command.env("CHATCHIT_MASTER_KEY", MASTER_KEY).env("CHATCHIT_NAMESPACE", home.namespace());
        command.env("CHATCHIT_DATA", home.folder().join("data"));
        command.envs(database_url.map(|url| ("DATABASE_URL", url)));
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
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { child, door: Door { address } }
    }
}

/// Says something over REST; answers the message, or nothing when the server cannot take it.
async fn say(door: &Door, person: &Person, room: &str, text: &str) -> Option<Value> {
    let request = reqwest::Client::new().post(format!("http://{}/conversations/{room}/messages", door.address));
    let body = json!({"messageType": "TEXT", "content": text});
    let response = soon("an answer", request.bearer_auth(&person.token).json(&body).send()).await.expect("an answer");
    if !response.status().is_success() {
        return None;
    }
    Some(response.json().await.unwrap())
}

async fn room(door: &Door, person: &Person) -> String {
    let body = json!({"type": "group", "title": "Room", "members": []});
    door.post("/conversations", Some(&person.token), body).await["id"].as_str().unwrap().to_owned()
}

async fn ready(door: &Door) -> Value {
    let response = soon("an answer", reqwest::get(format!("http://{}/readyz", door.address))).await.expect("an answer");
    response.json().await.unwrap()
}

/// Where the test's Postgres is, behind a cable.
async fn cable_to(home: &Home) -> (Cable, String) {
    let url = home.database_url().unwrap();
    let (front, rest) = url.split_once('@').unwrap();
    let (server, name) = rest.split_once('/').unwrap();
    let cable = Cable::to(if server.contains(':') { server.to_owned() } else { format!("{server}:5432") }).await;
    let url = format!("{front}@{}/{name}", cable.address());
    (cable, url)
}

each_engine!(whoever_starts_after_a_kill_takes_over_at_once, |home| async move {
    let mut first = Process::start(&home, home.database_url()).await;
    let ana = first.door.register("ana").await;
    let room = room(&first.door, &ana).await;
    first.child.kill().await.unwrap();
    let second = Process::start(&home, home.database_url()).await;
    let said = say(&second.door, &ana, &room, "after").await.expect("taken");
    // The lease of the one before would last longer than a read waits.
    let read = second.door.get(&format!("/messages/{}", said["id"].as_str().unwrap()), &ana).await;
    assert_eq!(read["content"], "after");
    until("nothing to stand", async || ready(&second.door).await == json!({"status": "ok"})).await;
});

each_engine!(two_servers_share_the_partitions_and_one_goes_on_alone, |home| async move {
    let first = Process::start(&home, home.database_url()).await;
    let mut second = Process::start(&home, home.database_url()).await;
    let ana = first.door.register("ana").await;
    let room = room(&second.door, &ana).await;
    second.child.kill().await.unwrap();
    let said = say(&first.door, &ana, &room, "alone").await.expect("taken");
    let path = format!("/conversations/{room}/messages");
    let shown = async || first.door.get(&path, &ana).await["items"][0]["id"] == said["id"];
    until("the message to be shown", shown).await;
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_postgres_dies_without_a_word_all_works_again() {
    let home = Home::new(Engine::Postgres).await;
    let (cable, url) = cable_to(&home).await;
    let server = Server::start_with(Config { database_url: Some(url), ..config(&home) }).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let (mut a, mut b) = (server.connect(&ana, None).await, server.connect(&ben, None).await);
    let room = a.group(&[ben.id], "Room").await;
    a.say(&room, "before").await;
    cable.swallow();
    until("a command to be taken", async || say(&server, &ana, &room, "after").await.is_some()).await;
    while b.push().await["data"]["content"] != "after" {}
    let path = format!("/conversations/{room}/messages");
    let request = reqwest::Client::new().get(format!("http://{}{path}", server.address));
    let shown = async || {
        let response = request.try_clone().unwrap().bearer_auth(&ben.token).send().await.expect("an answer");
        let items: Value = response.json().await.unwrap();
        items["items"][0]["content"] == "after"
    };
    until("the read models to follow", shown).await;
    until("nothing to stand", async || ready(&server).await["standing"].is_null()).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_postgres_keeps_no_process_from_ending() {
    let home = Home::new(Engine::Postgres).await;
    let (cable, url) = cable_to(&home).await;
    let mut server = Process::start(&home, Some(url)).await;
    let ana = server.door.register("ana").await;
    let room = room(&server.door, &ana).await;
    cable.hang();
    let (door, waiting) = (Door { address: server.door.address }, ana.clone());
    let _unanswered = tokio::spawn(async move { say(&door, &waiting, &room, "lost").await });
    let id = server.child.id().unwrap().to_string();
    assert!(Command::new("kill").arg(id).status().await.unwrap().success());
    let ended = soon("its end", server.child.wait()).await.unwrap();
    assert!(ended.success(), "{ended}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_that_die_are_begun_again_and_that_is_told() {
    let home = Home::new(Engine::Sqlite).await;
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let (mut a, mut b) = (server.connect(&ana, None).await, server.connect(&ben, None).await);
    let room = a.group(&[ben.id], "Room").await;
    for task in ["hub", "worker", "publish", "duty:audit"] {
        server.app.supervisor.inject(task);
        let name = format!("task:{task}");
        let told = async || {
            let ready = ready(&server).await;
            ready["status"] == "degraded" && ready["standing"].as_array().unwrap().contains(&json!(name))
        };
        until("it to be told", told).await;
    }
    let said = a.say(&room, "still here").await;
    while b.push().await["data"]["id"] != said["id"] {}
    let shown =
        async || server.get(&format!("/conversations/{room}/messages"), &ben).await["items"][0]["id"] == said["id"];
    until("the read models to follow", shown).await;
    until("all to be well", async || ready(&server).await == json!({"status": "ok"})).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_dies_again_and_again_ends_the_server_with_the_reason() {
    let home = Home::new(Engine::Sqlite).await;
    let application = Application::build(config(&home)).await.unwrap();
    let supervisor = application.app().supervisor.clone();
    let running = tokio::spawn(application.run(CancellationToken::new()));
    let killing = tokio::spawn(async move {
        loop {
            supervisor.inject("relay");
            tokio::task::yield_now().await;
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    let ended = soon("its end", running).await.unwrap();
    killing.abort();
    assert!(ended.unwrap_err().to_string().contains("relay"), "it says which task died");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_worker_readiness_names_what_stands() {
    let home = Home::new(Engine::Sqlite).await;
    let server = Server::start_with(Config { role: Role::Gateway, ..config(&home) }).await;
    let health = ready(&server).await;
    assert_eq!(health["status"], "degraded");
    assert!(health["standing"].as_array().unwrap().contains(&json!("partition:0")), "{health}");
    server.stop().await;
}
