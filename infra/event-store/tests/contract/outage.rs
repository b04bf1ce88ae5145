//! Outages of the engine: acknowledged commands are stored, each once.

use crate::{audit::audit, support::*};
use event_store::{AppendError, EventStore, Receipt};
use sql::{Database, Limits, query};
use sqlx::{Connection, Executor, PgConnection};
use std::collections::HashSet;
use testkit::{Engine, Home, each_engine};
use tokio::task::JoinSet;

/// Kills the writer's backends again and again while commands are in flight, so that commits are cut at any point.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_is_retried_until_its_outcome_is_known() {
    let home = Home::new(Engine::Postgres).await;
    let (store, mut batches) = open(&home).await;
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
    let (mut published, mut called) = (0, false);
    while let Ok(batch) = batches.try_recv() {
        published += batch.events.len();
        called |= batch.events.is_empty();
    }
    assert!(
        published == 12 * 80 || called,
        "consumers read unpublished events from the store: {published} were published"
    );
}

/// The server refuses connections for a while: commands wait, and are appended once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_refuses_connections_is_waited_for() {
    let home = Home::new(Engine::Postgres).await;
    let (store, _batches) = open(&home).await;
    people(&store, 1).await;
    let url = home.database_url().unwrap();
    let (server, name) = url.rsplit_once('/').unwrap();
    let mut operator = PgConnection::connect(&format!("{server}/postgres")).await.unwrap();
    operator.execute(format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false").as_str()).await.unwrap();
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND application_name = $2";
    sqlx::query(kill).bind(name).bind("chatchit-writer").execute(&mut operator).await.unwrap();
    let append = tokio::spawn(post(&store, 1));
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert!(!append.is_finished());
    operator.execute(format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true").as_str()).await.unwrap();
    assert_eq!(append.await.unwrap().unwrap().position, Some(1));
    assert_eq!(audit(&store).await.len(), 1);
}

// Another process appends for a long time: commands wait, up to a bound, and those beyond it fail at once.
each_engine!(the_intake_is_bounded, |home| async move {
    const CALLERS: u128 = 7_000;
    let (store, _batches) = open(&home).await;
    people(&store, 1).await;
    let other = Database::connect(&home.log(), 1).await.unwrap();
    let mut appending = other.begin().await.unwrap();
    appending.set_limits(Limits::BULK).await.unwrap();
    if other.engine() == Engine::Postgres {
        let lock = "SELECT 1 FROM pg_advisory_xact_lock(1128811092, current_schema()::regnamespace::oid::int4)";
        appending.execute(query(lock)).await.unwrap();
    }
    let mut callers: JoinSet<_> = (0..CALLERS).map(|n| post(&store, n)).collect();
    // Only commands without room are answered while none can be appended.
    let first = callers.join_next().await.unwrap().unwrap();
    assert!(matches!(first, Err(AppendError::Overloaded)), "{first:?}");
    appending.rollback().await.unwrap();
    let answers = callers.join_all().await;
    let appended = answers.iter().filter(|answer| answer.is_ok()).count();
    assert!(appended >= 4_096, "{appended}");
    assert!(answers.iter().all(|answer| matches!(answer, Ok(_) | Err(AppendError::Overloaded))));
    assert_eq!(audit(&store).await.len(), appended);
});

fn post(store: &EventStore, n: u128) -> impl Future<Output = Result<Receipt, AppendError>> + Send + 'static {
    let store = store.clone();
    let post = append(&format!("{n}"), vec![sent(message(n), conversation(n % 3), user(1), "hello")]);
    async move { store.append(post).await }
}
