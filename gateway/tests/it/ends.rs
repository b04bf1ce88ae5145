//! No wait is without an end: servers that are killed, engines that fall silent, tasks that die.

use crate::support::{Door, Person, Process, Server, config, soon, until};
use config::{Config, Role};
use gateway::Application;
use serde_json::{Value, json};
use sql::{Database, Limits, Transaction, query};
use testkit::{Cable, Engine, Home, each_engine};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

/// Starts a server whose data folder outlives it.
async fn serve(home: &Home, database_url: Option<String>) -> Process {
    let data = home.folder().join("data");
    let mut settings = vec![("CHATCHIT_DATA", data.to_str().unwrap())];
    settings.extend(database_url.as_deref().map(|url| ("DATABASE_URL", url)));
    Process::start_in(home, home.folder(), "serve", &settings).await
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
    door.write(person, "/conversations", body).await["id"].as_str().unwrap().to_owned()
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

each_engine!(a_server_started_after_a_kill_takes_over_at_once, |home| async move {
    let mut first = serve(&home, home.database_url()).await;
    let ana = first.door.register("ana").await;
    let room = room(&first.door, &ana).await;
    first.child.kill().await.unwrap();
    let second = serve(&home, home.database_url()).await;
    let said = say(&second.door, &ana, &room, "after").await.expect("taken");
    // The lease of the one before would last longer than a read waits.
    let read = second.door.read(&ana, &format!("/messages/{}", said["id"].as_str().unwrap())).await;
    assert_eq!(read["content"], "after");
    until("nothing to stand", async || ready(&second.door).await == json!({"status": "ok"})).await;
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_share_the_partitions_and_one_goes_on_alone() {
    let home = Home::new(Engine::Postgres).await;
    let first = serve(&home, home.database_url()).await;
    let mut second = serve(&home, home.database_url()).await;
    let ana = first.door.register("ana").await;
    let room = room(&second.door, &ana).await;
    second.child.kill().await.unwrap();
    let said = say(&first.door, &ana, &room, "alone").await.expect("taken");
    let path = format!("/conversations/{room}/messages");
    let shown = async || first.door.read(&ana, &path).await["items"][0]["id"] == said["id"];
    until("the message to be shown", shown).await;
}

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
    let mut server = serve(&home, Some(url)).await;
    let ana = server.door.register("ana").await;
    let room = room(&server.door, &ana).await;
    cable.hang();
    let (door, waiting) = (Door { address: server.door.address }, ana.clone());
    let _unanswered = tokio::spawn(async move { say(&door, &waiting, &room, "lost").await });
    let id = server.child.id().unwrap().to_string();
    // The shell's own `kill`: a bare Debian has no other.
    assert!(Command::new("sh").args(["-c", "kill $0", &id]).status().await.unwrap().success());
    let ended = soon("its end", server.child.wait()).await.unwrap();
    assert!(ended.success(), "{ended}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_dies_again_and_again_ends_the_server_with_the_reason() {
    let home = Home::new(Engine::Sqlite).await;
    let application = Application::build(config(&home)).await.unwrap();
    let supervisor = application.app().supervisor.clone();
    let running = tokio::spawn(application.run(CancellationToken::new()));
    let is_over = async || {
        supervisor.inject("relay");
        running.is_finished()
    };
    until("its end", is_over).await;
    assert!(running.await.unwrap().unwrap_err().to_string().contains("relay"), "it says which task died");
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

each_engine!(a_log_that_another_keeps_locked_is_named_by_readiness, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let room = room(&server, &ana).await;
    let log = Database::connect(&home.log(), 1).await.unwrap();
    let mut lock = log.begin().await.unwrap();
    if matches!(lock, Transaction::Postgres(_)) {
        lock.set_limits(Limits::BULK).await.unwrap();
        lock.execute(query("LOCK TABLE events IN EXCLUSIVE MODE")).await.unwrap();
    }
    let named = until("the log to be named", async || {
        let ready = ready(&server).await;
        ready["status"] == "degraded" && ready["standing"].as_array().unwrap().contains(&json!("log"))
    });
    let (said, ()) = tokio::join!(say(&server, &ana, &room, "behind the lock"), async {
        named.await;
        lock.rollback().await.unwrap();
    });
    assert!(said.is_some());
    until("all to be well", async || ready(&server).await == json!({"status": "ok"})).await;
    server.stop().await;
});

each_engine!(a_log_that_loses_its_end_while_it_is_followed_ends_the_server_with_the_reason, |home| async move {
    let application = Application::build(config(&home)).await.unwrap();
    let door = Door { address: application.local_addr() };
    let store = application.app().store.clone();
    let running = tokio::spawn(application.run(CancellationToken::new()));
    door.register("ana").await;
    let log = Database::connect(&home.log(), 1).await.unwrap();
    let disarm = match log.engine() {
        Engine::Sqlite => "DROP TRIGGER events_no_update",
        Engine::Postgres => "ALTER TABLE events DISABLE TRIGGER ALL",
    };
    log.execute(query(disarm)).await.unwrap();
    let end = store.head().await.unwrap().position;
    let other = query("UPDATE events SET digest = $2 WHERE position = $1").bind(end).bind(vec![7; 32]);
    log.execute(other).await.unwrap();
    let ended = soon("its end", running).await.unwrap();
    let why = ended.unwrap_err().to_string();
    assert!(why.contains("log: it has lost events"), "{why}");
});
