//! Every wait is bounded: silent servers, frozen sessions, dead owners.

#![expect(clippy::unwrap_used, reason = "a test that finds nothing has failed")]

use sql::{Database, Error, Exclusive, Limits, Location, Transaction, query};
use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};
use testkit::{Cable, Engine, Home, each_engine, until};
use tokio::time::timeout;

/// Long enough for a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);
/// Short, so that tests end soon.
const SHORT: Limits =
    Limits { lock: Duration::from_millis(300), statement: Duration::from_millis(1_500), idle: Duration::from_secs(2) };

/// A private Postgres database behind a cable.
async fn behind_a_cable() -> (Home, Cable, Location) {
    let home = Home::new(Engine::Postgres).await;
    let Location::Postgres { url, schema } = home.read_models() else { panic!("this is Postgres") };
    let (front, rest) = url.split_once('@').unwrap();
    let (server, name) = rest.split_once('/').unwrap();
    let cable = Cable::to(if server.contains(':') { server.to_owned() } else { format!("{server}:5432") }).await;
    let url = format!("{front}@{}/{name}", cable.address());
    (home, cable, Location::Postgres { url, schema })
}

async fn one(database: &Database) -> Result<i64, Error> {
    database.fetch_optional(query("SELECT 1::BIGINT AS one")).await?.unwrap().get("one")
}

/// A table with a row in it.
async fn with_a_row(database: &Database) {
    database.execute(query("CREATE TABLE rows (n BIGINT PRIMARY KEY)")).await.unwrap();
    database.execute(query("INSERT INTO rows (n) VALUES (1)")).await.unwrap();
}

async fn touch(tx: &mut Transaction) -> Result<u64, Error> {
    tx.execute(query("UPDATE rows SET n = n")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unanswered_statements_time_out_and_connections_are_replaced_at_once() {
    let (home, cable, place) = behind_a_cable().await;
    // Long enough that none is answered before the silence.
    let limits = Limits { statement: Duration::from_secs(5), ..SHORT };
    let database = Database::connect_for(&place, 2, limits).await.unwrap();
    let direct = Database::connect(&home.read_models(), 1).await.unwrap();
    let asked = [(); 2].map(|()| {
        let database = database.clone();
        tokio::spawn(async move { database.fetch_all(query("SELECT pg_sleep(60)")).await.map(|rows| rows.len()) })
    });
    let active = "SELECT COUNT(*) AS running FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'SELECT pg_sleep%' \
                  AND state = 'active'";
    let running = async || direct.fetch_optional(query(active)).await.unwrap().unwrap().unsigned("running").unwrap();
    until("both to be under way", async || running().await == 2).await;
    cable.swallow();
    for asked in asked {
        let answer = timeout(DEADLINE, asked).await.expect("it ends").unwrap();
        assert!(matches!(&answer, Err(error @ Error::Unanswered(_)) if error.is_temporary()), "{answer:?}");
    }
    assert_eq!(one(&database).await.unwrap(), 1, "both connections of the pool were replaced");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_idle_while_the_server_died_are_not_used() {
    let (_home, cable, place) = behind_a_cable().await;
    // The first of them is idle until the last is open.
    let limits = Limits { idle: Duration::from_secs(60), ..SHORT };
    let database = Database::connect_for(&place, 4, limits).await.unwrap();
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(database.begin().await.unwrap());
    }
    for tx in held {
        tx.rollback().await.unwrap();
    }
    cable.swallow();
    assert_eq!(one(&database).await.unwrap(), 1, "the first call notices it, and is answered");
    assert_eq!(one(&database).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_freezes_in_a_transaction_loses_it() {
    let (home, cable, place) = behind_a_cable().await;
    let frozen = Database::connect_for(&place, 1, SHORT).await.unwrap();
    with_a_row(&frozen).await;
    let mut tx = frozen.begin().await.unwrap();
    touch(&mut tx).await.unwrap();
    cable.swallow();
    // It waits for the lock for longer than the frozen one may be idle.
    let other = Database::connect_for(&home.read_models(), 1, Limits::BULK).await.unwrap();
    let mut waiting = other.begin().await.unwrap();
    assert_eq!(touch(&mut waiting).await.unwrap(), 1, "the server ended the transaction of the frozen client");
    waiting.commit().await.unwrap();
    let late = touch(&mut tx).await;
    assert!(late.as_ref().is_err_and(Error::is_temporary), "{late:?}");
    assert!(matches!(tx.commit().await, Err(Error::Lost)));
    assert_eq!(one(&frozen).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_for_a_lock_is_bounded() {
    let home = Home::new(Engine::Postgres).await;
    let holder = Database::connect(&home.read_models(), 1).await.unwrap();
    let other = Database::connect_for(&home.read_models(), 1, SHORT).await.unwrap();
    with_a_row(&holder).await;
    let mut holding = holder.begin().await.unwrap();
    holding.set_limits(Limits::BULK).await.unwrap();
    touch(&mut holding).await.unwrap();
    let mut waiting = other.begin().await.unwrap();
    let refused = touch(&mut waiting).await;
    assert!(refused.as_ref().is_err_and(|error| error.is_lock_timeout() && error.is_temporary()), "{refused:?}");
    drop(waiting);
    holding.commit().await.unwrap();
    let mut again = other.begin().await.unwrap();
    assert_eq!(touch(&mut again).await.unwrap(), 1);
}

each_engine!(transactions_that_are_dropped_or_cancelled_leave_their_connection_usable, |home| async move {
    let database = Database::connect(&home.read_models(), 1).await.unwrap();
    with_a_row(&database).await;
    for n in 0..20_u64 {
        let mut tx = database.begin().await.unwrap();
        tx.execute(query("DELETE FROM rows")).await.unwrap();
        if n % 2 == 0 {
            // Cancelled in the middle of a statement.
            let _ = timeout(Duration::from_micros(50 * n), tx.execute(query("DELETE FROM rows"))).await;
        }
        drop(tx);
    }
    let rows = database.fetch_all(query("SELECT n FROM rows")).await.unwrap();
    assert_eq!(rows.len(), 1, "nothing was committed");
});

each_engine!(the_lock_of_a_dead_owner_is_free, |home| async move {
    let (one, other) = (
        Database::connect(&home.read_models(), 2).await.unwrap(),
        Database::connect(&home.read_models(), 2).await.unwrap(),
    );
    let is_gone = async |key| {
        let mut tx = other.begin_read().await.unwrap();
        other.is_owner_dead(&mut tx, key).await.unwrap()
    };
    let mut lock = one.owner_lock(7).await.unwrap();
    let neighbour = one.owner_lock(8).await.unwrap();
    lock.keep().await.unwrap();
    assert!(!is_gone(7).await && !is_gone(8).await);
    drop(lock);
    until("the lock to be free", async || is_gone(7).await).await;
    assert!(!is_gone(8).await, "the other one lives");
    drop(neighbour);
});

/// The server ended its session: it takes its lock again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_whose_session_was_lost_takes_its_lock_again() {
    let (home, cable, place) = behind_a_cable().await;
    let database = Database::connect(&place, 2).await.unwrap();
    let direct = Database::connect(&home.read_models(), 2).await.unwrap();
    let mut lock = database.owner_lock(7).await.unwrap();
    cable.cut();
    cable.mend();
    let is_held = async || {
        let kept = lock.keep().await;
        let mut tx = direct.begin_read().await.unwrap();
        kept.is_ok() && !direct.is_owner_dead(&mut tx, 7).await.unwrap()
    };
    until("the lock to be held again", is_held).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_outside_the_pools_have_the_same_limits() {
    let home = Home::new(Engine::Postgres).await;
    let place = home.read_models();
    let settings = "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) AS settings FROM pg_settings WHERE name IN \
                    ('lock_timeout', 'statement_timeout', 'idle_in_transaction_session_timeout', 'tcp_user_timeout', \
                    'tcp_keepalives_idle', 'tcp_keepalives_interval', 'tcp_keepalives_count')";
    let pooled = Database::connect(&place, 1).await.unwrap().fetch_optional(query(settings)).await.unwrap();
    let Ok(Exclusive::Session(mut alone)) = Exclusive::take(&place, "rebuild").await.unwrap() else {
        panic!("the right is free")
    };
    let alone: String = sqlx::query_scalar(settings).fetch_one(&mut *alone).await.unwrap();
    assert_eq!(alone, pooled.unwrap().get::<String>("settings").unwrap());
    assert!(alone.contains("tcp_user_timeout=10000"), "{alone}");
}

/// Polls a future so many times, each time that it is woken, and gives it up then.
async fn give_up_after<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let (mut future, mut left) = (pin!(future), polls);
    poll_fn(|context| {
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

each_engine!(a_begin_that_is_given_up_at_any_moment_leaves_no_transaction, |home| async move {
    let database = Database::connect_for(&home.read_models(), 1, SHORT).await.unwrap();
    with_a_row(&database).await;
    for polls in 1.. {
        let begun = give_up_after(polls, database.begin()).await;
        let is_done = begun.is_some();
        drop(begun);
        let mut tx = timeout(DEADLINE, database.begin()).await.unwrap().unwrap();
        touch(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        if is_done {
            break;
        }
    }
});

#[tokio::test]
async fn a_full_disk_leaves_the_writer_usable_once_there_is_room() {
    let home = Home::new(Engine::Sqlite).await;
    let database = Database::connect_for(&home.read_models(), 1, SHORT).await.unwrap();
    database.execute(query("CREATE TABLE blobs (bytes BLOB)")).await.unwrap();
    let fill = "INSERT INTO blobs (bytes) VALUES (zeroblob(10000))";
    // It is of this connection alone.
    database.execute(query("PRAGMA max_page_count = 20")).await.unwrap();
    let mut tx = database.begin().await.unwrap();
    let full = loop {
        if let Err(error) = tx.execute(query(fill)).await {
            break error;
        }
    };
    assert!(full.to_string().contains("full"), "{full}");
    drop(tx);
    let mut tx = timeout(DEADLINE, database.begin()).await.unwrap().unwrap();
    tx.execute(query(fill)).await.unwrap();
    tx.commit().await.unwrap();
}
