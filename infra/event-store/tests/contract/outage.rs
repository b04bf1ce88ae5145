//! The engine goes away in the middle: what was acknowledged is there, each once.

use crate::{audit::audit, support::*};
use sqlx::{Connection, PgConnection};
use std::collections::HashSet;
use testkit::{Engine, Home};

/// Kills the writer's backends again and again while commands are in flight, so that commits are cut at any point.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_outcome_is_asked_for_until_it_is_known() {
    let home = Home::new(Engine::Postgres).await;
    let (store, _batches) = open(&home).await;
    people(&store, 1).await;
    let mut killer = PgConnection::connect(&home.database_url().unwrap()).await.unwrap();
    let mut killed = 0;
    for round in 0..12_u128 {
        let commands = (0..80_u128).map(|n| {
            let n = round * 100 + n;
            append(&format!("{n}"), vec![sent(message(n), conversation(n % 3), user(1), "hello")])
        });
        let appends = tokio::spawn({
            let (store, commands) = (store.clone(), commands.collect());
            async move { all_at_once(&store, commands).await }
        });
        // Until the round is over, so that some kills meet a commit.
        while !appends.is_finished() {
            let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name = 'chatchit-writer' AND state = 'active'";
            killed += sqlx::query_scalar::<_, i64>(kill).fetch_one(&mut killer).await.unwrap();
            tokio::task::yield_now().await;
            if killed >= 3 * (round as i64 + 1) {
                break;
            }
        }
        let receipts = appends.await.unwrap();
        let positions: HashSet<_> = receipts.iter().map(|receipt| receipt.as_ref().unwrap().position).collect();
        assert_eq!(positions.len(), 80, "each command is there once");
    }
    assert!(killed > 0, "no commit was cut");
    assert_eq!(audit(&store).await.len(), 12 * 80);
}

/// Another process holds the file's write lock for a while: commands wait for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_file_is_waited_for() {
    let home = Home::new(Engine::Sqlite).await;
    let (store, _batches) = open(&home).await;
    people(&store, 1).await;
    let other = sql::Database::connect(&home.log(), 1).await.unwrap();
    let lock = other.begin().await.unwrap();
    let append = tokio::spawn({
        let store = store.clone();
        async move { store.append(append("one", vec![sent(message(1), conversation(1), user(1), "hi")])).await }
    });
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert!(!append.is_finished());
    lock.rollback().await.unwrap();
    assert_eq!(append.await.unwrap().unwrap().position, Some(1));
}
