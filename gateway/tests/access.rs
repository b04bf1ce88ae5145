//! Who may do what: every route and every socket command, tried as everybody. The expected answers stand in
//! `access/table.md`; a route or command without a row there fails the test, and so does a row without a route.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that finds nothing has failed")]

#[path = "access/row.rs"]
mod row;
mod support;
#[path = "access/world.rs"]
mod world;
mod ws_support;

use futures_util::{StreamExt as _, stream};
use gateway::operations::COMMANDS;
use row::{ROLES, Row};
use std::{collections::BTreeSet, sync::atomic::Ordering};
use support::{Server, document};
use testkit::{Engine, Home};
use world::World;

/// Rows tried at once.
const AT_ONCE: usize = 8;
/// What a socket takes beside its commands, with tests of their own.
const OF_THE_SOCKET: [&str; 4] = ["auth", "sync", "ping", "presence.subscribe"];

#[tokio::test(flavor = "multi_thread")]
async fn every_route_and_command_answers_everybody_as_written() {
    let home = Home::new(Engine::Sqlite).await;
    let server = Server::start(&home).await;
    let only = std::env::var("CHATCHIT_TEST_ROW").unwrap_or_default();
    let rows = row::table().into_iter().filter(|row| row.name().contains(&only));
    let differing: Vec<_> = stream::iter(rows)
        .map(|row| tried(&server, row))
        .buffered(AT_ONCE)
        .filter_map(|differing| async { differing })
        .collect()
        .await;
    assert!(differing.is_empty(), "answered otherwise (as it should be written):\n{}", differing.join("\n"));
    server.stop().await;
}

/// Tries a row as everybody, the least entitled first; a world in which something succeeded is left for a new one.
/// Answers the row as it would have to be written, when it is not written so.
async fn tried(server: &Server, row: Row) -> Option<String> {
    let mut world = World::new(server).await;
    let mut answers = Vec::with_capacity(ROLES.len());
    for role in ROLES {
        let answer = row.tried(server, &world, role).await;
        if row.writes() && answer.starts_with('2') || answer == "ok" {
            world = World::new(server).await;
        }
        answers.push(answer);
    }
    (answers != row.expected).then(|| row.written(&answers))
}

#[test]
fn every_route_and_command_has_a_row() {
    let rows: Vec<_> = row::table().iter().map(Row::name).collect();
    let written: BTreeSet<_> = rows.iter().cloned().collect();
    assert_eq!(rows.len(), written.len(), "a row stands twice");
    let paths = document()["paths"].as_object().expect("paths").iter();
    let routes = paths.flat_map(|(path, item)| {
        let methods = item.as_object().expect("operations").keys().filter(|method| *method != "parameters");
        methods.map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    let commands = COMMANDS.iter().filter(|cmd| !OF_THE_SOCKET.contains(cmd)).map(|cmd| format!("ws {cmd}"));
    let there: BTreeSet<_> = routes.chain(commands).collect();
    let missing: Vec<_> = there.difference(&written).collect();
    let gone: Vec<_> = written.difference(&there).collect();
    assert!(missing.is_empty() && gone.is_empty(), "without a row: {missing:#?}\nwithout a route: {gone:#?}");
    assert_eq!(world::MADE.load(Ordering::Relaxed), 0, "this test needs no world");
}
