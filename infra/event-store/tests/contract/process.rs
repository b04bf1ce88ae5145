//! Several processes on one log, one of which is killed: its acknowledged commands are stored (I2).

use crate::{audit::audit, support::*};
use event_store::{EventStore, Settings};
use sql::{Durability, Location};
use std::{process::Stdio, time::Duration};
use testkit::{Engine, Home, each_engine};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

const PLACE: &str = "CHATCHIT_TEST_CHILD_LOG";
const CHILD: &str = "CHATCHIT_TEST_CHILD";
const DEADLINE: Duration = Duration::from_secs(60);

/// The child: appends until it is killed, and prints each acknowledged command.
#[tokio::test]
#[ignore = "run as a process of its own by the test below"]
async fn child() {
    let (Ok(place), Ok(child)) = (std::env::var(PLACE), std::env::var(CHILD)) else { return };
    let location = match place.strip_prefix("sqlite:") {
        Some(path) => Location::Sqlite { path: path.into(), durability: Durability::Full },
        None => Location::Postgres { url: place, schema: "chatchit_log".to_owned() },
    };
    let settings = Settings { location, ..base_settings() };
    let (store, _batches) = EventStore::open(settings).await.unwrap();
    let child: u128 = child.parse().unwrap();
    for n in 0..100_000 {
        let n = child * 1_000_000 + n;
        let post = append(&format!("{n}"), vec![sent(message(n), conversation(n % 3), user(1), "hello")]);
        let receipt = store.append(post).await.unwrap();
        say(&format!("acknowledged {n} {}", receipt.position.unwrap()));
    }
}

#[expect(clippy::print_stdout, reason = "the parent reads it")]
fn say(line: &str) {
    println!("{line}");
}

fn spawn(home: &Home, engine: Engine, child: u128) -> Child {
    let place = match engine {
        Engine::Sqlite => format!("sqlite:{}", home.folder().join("log.db").display()),
        Engine::Postgres => home.database_url().unwrap(),
    };
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "process::child", "--ignored", "--nocapture"])
        .envs([(PLACE, place), (CHILD, child.to_string())])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// Reads `wanted` acknowledgements, kills the child, and reads the rest of its output.
async fn acknowledged(mut child: Child, wanted: usize) -> Vec<(String, u64)> {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = Vec::new();
    while let Some(line) = timeout(DEADLINE, lines.next_line()).await.unwrap().unwrap() {
        let Some((_, said)) = line.split_once("acknowledged ") else { continue };
        let (key, position) = said.split_once(' ').unwrap();
        acknowledged.push((key.to_owned(), position.parse().unwrap()));
        if acknowledged.len() == wanted {
            child.start_kill().unwrap();
        }
    }
    child.wait().await.unwrap();
    acknowledged
}

each_engine!(acknowledged_commands_survive_a_killed_process, |home| async move {
    let engine = if home.database_url().is_some() { Engine::Postgres } else { Engine::Sqlite };
    let (store, _batches) = open(&home).await;
    people(&store, 1).await;
    let children = [(1, 60), (2, 90)].map(|(n, wanted)| tokio::spawn(acknowledged(spawn(&home, engine, n), wanted)));
    for n in 0..100_u128 {
        store.append(append(&format!("{n}"), vec![sent(message(n), conversation(1), user(1), "hi")])).await.unwrap();
    }
    let mut count = 0;
    let mut said = Vec::new();
    for child in children {
        said.extend(child.await.unwrap());
    }
    let log = audit(&store).await;
    for (key, position) in &said {
        assert_eq!(&log[*position as usize - 1].event.record.command_key, key);
        count += 1;
    }
    assert!(count >= 150);
    assert!(log.len() >= count + 100);
});
