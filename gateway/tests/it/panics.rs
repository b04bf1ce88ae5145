//! Tasks that panic: each is restarted, or ends the process; readiness names it, and nothing is lost.

use crate::support::{Door, Person, Server, config, soon, until};
use config::Config;
use event_store::EventStore;
use futures_util::{StreamExt as _, stream};
use gateway::Application;
use projections::{
    Projection,
    rebuild::{RebuildOptions, verify},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use testkit::{each_engine, each_mix};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Messages around the death of the writer, and how many are answered before it.
const MESSAGES: usize = 40;
const BEFORE: usize = 10;

/// That the read models are what a rebuild makes of the log.
async fn assert_verified(store: &EventStore, config: &Config) {
    let mut differences = Vec::new();
    let mut found = |difference| differences.push(difference);
    let (location, options) = (config.read_location(), RebuildOptions::new(config.clock));
    verify(store, &location, &Projection::ALL, options, CancellationToken::new(), &mut found).await.unwrap();
    assert!(differences.is_empty(), "{differences:?}");
}

/// The message that a push brings.
fn sent(push: &Value) -> Option<Value> {
    (push["event"] == "message.sent").then(|| push["data"]["id"].clone())
}

each_mix!(a_panic_of_any_task_is_reported_and_loses_nothing, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let (mut a, mut b) = (server.connect(&ana, None).await, server.connect(&ben, None).await);
    let room = a.group(&[ben.id], "Room").await;
    let is_well = async || server.read(&ana, "/readyz").await == json!({"status": "ok"});
    until("all to be well", is_well).await;

    let app = &server.app;
    let supervisors = [Some(&app.supervisor), app.broker.supervisor(), app.graph.graph().supervisor()];
    let (mut injected, mut said, mut arrived) = (BTreeSet::new(), Vec::new(), Vec::new());
    for supervisor in supervisors.into_iter().flatten() {
        for task in supervisor.running() {
            let began = Instant::now();
            supervisor.inject(&task);
            let name = json!(format!("task:{task}"));
            let is_named = async || {
                let ready = server.read(&ana, "/readyz").await;
                ready["status"] == "degraded" && ready["standing"].as_array().is_some_and(|all| all.contains(&name))
            };
            until(&format!("the death of {task} to be reported"), is_named).await;
            let reported = began.elapsed().as_millis();
            said.push(a.say(&room, &task).await["id"].clone());
            while arrived.last() != said.last() {
                arrived.extend(sent(&b.push().await));
            }
            // For whom runs it alone, without capture: no test depends on the clock.
            eprintln!(
                "{task}: reported after {reported} ms; a message arrives after {} ms",
                began.elapsed().as_millis()
            );
            injected.insert(task);
        }
    }
    for task in ["hub", "relay", "worker", "publish", "presence", "typing", "owner", "job:reactor.keep_leads"] {
        assert!(injected.contains(task), "{task} is not among {injected:?}");
    }

    let (pushes, _) = b.fence().await;
    arrived.extend(pushes.iter().filter_map(sent).filter(|id| said.contains(id)));
    assert_eq!(arrived, said, "each message arrives once, in order");
    until("all to be well", is_well).await;
    assert!(server.app.progress.wait(server.head().await, &Projection::ALL, crate::support::DEADLINE).await);
    assert_verified(&server.app.store, &config(&home)).await;
    server.stop().await;
});

/// Posts the message `n`; `None`: the server could not take it, or its answer is lost.
async fn post(door: &Door, person: &Person, room: &str, n: usize) -> Option<Value> {
    let request = reqwest::Client::new().post(format!("http://{}/conversations/{room}/messages", door.address));
    let body = json!({"messageType": "TEXT", "content": format!("message {n}")});
    let request = request.bearer_auth(&person.token).header("Idempotency-Key", format!("key-{n}")).json(&body);
    let response = soon("an answer", request.send()).await.ok().filter(|response| response.status().is_success())?;
    response.json().await.ok()
}

each_engine!(a_panic_of_the_writer_ends_the_server_with_the_reason_and_loses_nothing, |home| async move {
    let application = Application::build(config(&home)).await.unwrap();
    let door = Door { address: application.local_addr() };
    let store = application.app().store.clone();
    let running = tokio::spawn(application.run(CancellationToken::new()));
    let ana = door.register("ana").await;
    let room = json!({"type": "group", "title": "Room", "members": []});
    let room = door.write(&ana, "/conversations", room).await["id"].as_str().unwrap().to_owned();

    let mut answers = stream::iter(0..MESSAGES).map(|n| post(&door, &ana, &room, n)).buffer_unordered(8);
    let mut stored = Vec::new();
    let (mut answered, mut panicked) = (0, Instant::now());
    while let Some(answer) = answers.next().await {
        stored.extend(answer);
        answered += 1;
        if answered == BEFORE {
            store.panic_writer();
            panicked = Instant::now();
        }
    }
    drop(answers);
    let ended = soon("its end", running).await.unwrap();
    eprintln!("the server ended {} ms after the panic", panicked.elapsed().as_millis());
    let why = ended.unwrap_err().to_string();
    assert!(why.contains("writer: ") && why.contains("a fault was injected"), "{why}");
    assert!(stored.len() >= BEFORE - 1, "{} were stored", stored.len());

    let server = Server::start(&home).await;
    let ana = ana.at(&server);
    for n in 0..MESSAGES {
        assert!(post(&server, &ana, &room, n).await.is_some(), "a client that tries again succeeds: {n}");
    }
    let path = format!("/conversations/{room}/messages?limit=100");
    let messages = server.read_at(&ana, &path, server.head().await).await;
    let ids: Vec<_> = messages["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect();
    assert_eq!(ids.len(), MESSAGES, "each message is there once");
    assert!(stored.iter().all(|message| ids.contains(&message["id"])), "what was answered is there");
    assert_verified(&server.app.store, &config(&home)).await;
    server.stop().await;
});
