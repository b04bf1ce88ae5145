//! The engines, and the people in their graphs.

use domain::{ConversationId, SessionId, Timestamp, UserId};
use graph::{Change, Epoch, Graph, Position, RedisSettings, Relation};
use std::ops::Deref;
pub(crate) use testkit::until;
use uuid::Uuid;

pub(crate) const LOG: Uuid = Uuid::from_u128(77);

/// The graph of one test; its keys in Redis are removed when it is dropped.
pub(crate) struct Arm {
    pub(crate) graph: Graph,
    namespace: Option<String>,
}

impl Arm {
    pub(crate) fn memory() -> Self {
        Self { graph: Graph::in_memory(), namespace: None }
    }

    pub(crate) fn redis() -> Self {
        let namespace = testkit::namespace();
        Self { graph: connect(&testkit::redis_url(), &namespace, LOG), namespace: Some(namespace) }
    }

    /// An empty graph on each engine.
    pub(crate) fn each() -> [Self; 2] {
        [Self::memory(), Self::redis()]
    }

    /// A graph on each engine with an empty published epoch.
    pub(crate) async fn each_published() -> Vec<(Self, Epoch)> {
        let mut arms = Vec::new();
        for arm in Self::each() {
            let epoch = arm.begin(at(0)).await.unwrap();
            assert!(epoch.publish().await.unwrap());
            arms.push((arm, epoch));
        }
        arms
    }

    /// The prefix of all keys.
    pub(crate) fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap()
    }

    /// Another process's view of the same graph in Redis.
    pub(crate) fn elsewhere(&self, log: Uuid) -> Graph {
        connect(&testkit::redis_url(), self.namespace(), log)
    }

    /// Removes all keys of this graph, as FLUSHALL would.
    pub(crate) fn flush(&self) {
        flush(self.namespace());
    }
}

impl Deref for Arm {
    type Target = Graph;
    fn deref(&self) -> &Graph {
        &self.graph
    }
}

impl Drop for Arm {
    fn drop(&mut self) {
        if let Some(namespace) = &self.namespace {
            flush(namespace);
        }
    }
}

pub(crate) fn connect(url: &str, namespace: &str, log: Uuid) -> Graph {
    Graph::redis(RedisSettings { url: url.to_owned(), namespace: namespace.to_owned(), log }).unwrap()
}

pub(crate) fn keys(namespace: &str) -> Vec<String> {
    let mut connection = ::redis::Client::open(testkit::redis_url()).unwrap().get_connection().unwrap();
    ::redis::cmd("KEYS").arg(format!("{namespace}:*")).query(&mut connection).unwrap()
}

fn flush(namespace: &str) {
    let mut connection = ::redis::Client::open(testkit::redis_url()).unwrap().get_connection().unwrap();
    let mut pipeline = ::redis::pipe();
    for key in keys(namespace) {
        pipeline.cmd("DEL").arg(key);
    }
    if !pipeline.is_empty() {
        pipeline.exec(&mut connection).unwrap();
    }
}

pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

pub(crate) fn user(number: u128) -> UserId {
    UserId(Uuid::from_u128(number))
}

pub(crate) fn conversation(number: u128) -> ConversationId {
    ConversationId(Uuid::from_u128(1_000 + number))
}

pub(crate) fn session(number: u128) -> SessionId {
    SessionId(Uuid::from_u128(2_000 + number))
}

pub(crate) fn node(number: u128) -> Uuid {
    Uuid::from_u128(3_000 + number)
}

/// The first two users become friends, or end their friendship.
pub(crate) fn friends(position: Position, holds: bool) -> (Position, Change) {
    (position, Change { relation: Relation::friends(user(1), user(2)), holds })
}
