//! Who may do what: every route and every socket command, tried as everybody. The expected answers stand in
//! `access/table.md`; a route or command without a row there fails the test, and so does a row without a route.

mod row;
mod stage;
mod world;

use crate::support::document;
use futures_util::{StreamExt as _, stream};
use operations::Operations;
use row::Row;
use sockets::session::Commands;
use stage::Stage;
use std::collections::BTreeSet;

/// Rows tried at once.
const AT_ONCE: usize = 8;
/// What a socket takes beside its commands, with tests of their own.
const OF_THE_SOCKET: [&str; 4] = ["auth", "sync", "ping", "presence.subscribe"];

/// Rows that are tried together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    /// People, and what is between them.
    People,
    Conversations,
    /// What moderators, administrators and operators ask for.
    Running,
    Socket,
    /// Whatever else there is.
    Things,
}

impl Family {
    fn of(row: &Row) -> Self {
        let name = row.name();
        let (method, path) = name.split_once(' ').expect("a method and a path");
        match (method, path.split('/').nth(1).unwrap_or_default()) {
            ("ws", _) => Self::Socket,
            (_, "auth" | "users" | "friends") => Self::People,
            (_, "conversations" | "invites") => Self::Conversations,
            (_, "admin" | "chat" | "reports") => Self::Running,
            _ => Self::Things,
        }
    }
}

async fn everybody_is_answered_as_written(family: Family) {
    let stage = Stage::start().await;
    let only = std::env::var("CHATCHIT_TEST_ROW").unwrap_or_default();
    let rows = row::table().into_iter().filter(|row| Family::of(row) == family && row.name().contains(&only));
    let differing: Vec<_> = stream::iter(rows)
        .map(|row| stage.try_row(row))
        .buffered(AT_ONCE)
        .filter_map(|differing| async { differing })
        .collect()
        .await;
    assert!(differing.is_empty(), "answered otherwise (as it should be written):\n{}", differing.join("\n"));
    stage.stop().await;
}

macro_rules! families {
    ($($test:ident: $family:ident;)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $test() {
            everybody_is_answered_as_written(Family::$family).await;
        }
    )*};
}
families! {
    every_route_of_people_answers_everybody_as_written: People;
    every_route_of_conversations_answers_everybody_as_written: Conversations;
    every_route_of_moderators_and_administrators_answers_everybody_as_written: Running;
    every_command_answers_everybody_as_written: Socket;
    every_other_route_answers_everybody_as_written: Things;
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
    let commands = Commands::of::<Operations>();
    let commands = commands.iter().map(|command| command.name).filter(|cmd| !OF_THE_SOCKET.contains(cmd));
    let there: BTreeSet<_> = routes.chain(commands.map(|cmd| format!("ws {cmd}"))).collect();
    let missing: Vec<_> = there.difference(&written).collect();
    let gone: Vec<_> = written.difference(&there).collect();
    assert!(missing.is_empty() && gone.is_empty(), "without a row: {missing:#?}\nwithout a route: {gone:#?}");
}

#[test]
fn every_row_has_an_answer_for_each_role() {
    for row in row::table() {
        assert_eq!(row.expected.len(), row::ROLES.len(), "{}", row.name());
    }
}
