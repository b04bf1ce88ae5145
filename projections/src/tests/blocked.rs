//! Another session holds rows, or a process has died: the other workers go on.

use super::support::{DEADLINE, PARTITIONS, Story, World};
use crate::{
    Error, Extent, Owner, Projection, Standing, audit::AuditIndex, checkpoint, checkpoints, mark, worker::Leases,
};
use broker::Faults;
use domain::{Lane, Partition, Tier};
use sql::{Database, Limits, Transaction, query};
use std::time::Duration;
use testkit::{Engine, Home, each_engine, until};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const LONG: Duration = Duration::from_secs(3_600);

async fn postgres() -> World {
    World::new(Home::new(Engine::Postgres).await).await
}

/// Another session, which may be idle for long.
async fn foreign(world: &World) -> Transaction {
    let database = Database::connect_for(&world.home.read_models(), 1, Limits::BULK).await.unwrap();
    database.begin().await.unwrap()
}

/// The partitions in which each projection has reached the log's head.
async fn at_the_head(world: &World) -> Vec<Partition> {
    let head = world.store.head().await.unwrap();
    let applied = checkpoints(&world.database).await.unwrap();
    let has_come = |partition: &Partition| {
        let of = applied.iter().filter(|((_, other), _)| other == partition);
        of.clone().count() == Projection::ALL.len()
            && of.map(|(_, checkpoint)| checkpoint.marks).all(|marks| {
                let lane = |tier| Lane { tier, partition: *partition };
                Tier::DURABLE.into_iter().all(|tier| mark(marks, tier) >= head.heads.lane(lane(tier)))
            })
    };
    (0..PARTITIONS).map(Partition).filter(has_come).collect()
}

async fn until_at_the_head(world: &World, wanted: &[u16]) {
    let wanted: Vec<_> = wanted.iter().copied().map(Partition).collect();
    until(&format!("only {wanted:?} to come to the head"), async || at_the_head(world).await == wanted).await;
}

/// Enough people that each partition has some of them.
fn crowd(seed: u64) -> Story {
    let mut story = Story::new(seed);
    story.register_all(40);
    story
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_whose_rows_somebody_holds_is_set_aside_and_comes_back() {
    let world = postgres().await;
    let token = CancellationToken::new();
    let worker = world.worker(&world.broker(Faults::NONE), &token);
    world.tell(&mut crowd(1)).await;
    until_at_the_head(&world, &[0, 1, 2, 3]).await;

    let mut frozen = foreign(&world).await;
    let next = "INSERT INTO checkpoints (projection, version, partition, number, high, medium) \
                SELECT projection, version, partition, MAX(number) + 1, MAX(high), MAX(medium) FROM checkpoints \
                WHERE partition = 2 AND projection = 'users' GROUP BY projection, version, partition";
    assert_eq!(frozen.execute(query(next)).await.unwrap(), 1);
    world.tell(&mut crowd(2)).await;
    until_at_the_head(&world, &[0, 1, 3]).await;
    let head = world.store.head().await.unwrap().position;
    let shows = async |extent: &[u16], deadline| {
        let extent = Extent::Partitions(extent.iter().copied().map(Partition).collect());
        worker.progress().wait_in(&extent, head, &Projection::ALL, deadline).await
    };
    assert!(shows(&[0, 1, 3], DEADLINE).await, "who asks nothing of what stands does not wait for it");
    assert!(!shows(&[2, 3], Duration::from_millis(300)).await);
    // Repeatedly, without that partition.
    world.tell(&mut crowd(3)).await;
    until_at_the_head(&world, &[0, 1, 3]).await;
    let mut standing = Standing::default();
    let is_named = async || standing.look(&worker.progress()).await.unwrap().contains("read_models:users");
    until("what stands to be named", is_named).await;

    frozen.rollback().await.unwrap();
    until_at_the_head(&world, &[0, 1, 2, 3]).await;
    token.cancel();
    worker.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_wants_the_read_models_alone_lets_others_through_until_it_has_them() {
    let world = postgres().await;
    world.tell(&mut crowd(1)).await;
    world.catch_up().await;
    let database = Database::connect_for(&world.home.read_models(), 1, Limits::BULK).await.unwrap();
    let frozen = checkpoint::begin(&database).await.unwrap();
    let alone = tokio::spawn({
        let database = world.database.clone();
        async move { checkpoint::begin_alone(&database).await.unwrap().commit().await.unwrap() }
    });
    let waits = "SELECT COUNT(*) AS waiting FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = \
                 (SELECT oid FROM pg_database WHERE datname = current_database())";
    let waiting =
        async || world.database.fetch_optional(query(waits)).await.unwrap().unwrap().unsigned("waiting").unwrap();
    for _ in 0..3 {
        until("it to wait for the gate", async || waiting().await > 0).await;
        checkpoint::begin(&world.database).await.expect("let through").commit().await.unwrap();
    }
    frozen.rollback().await.unwrap();
    timeout(DEADLINE, alone).await.expect("then it has them").unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn taking_over_the_audit_index_waits_for_nobody() {
    let world = postgres().await;
    world.tell(&mut crowd(1)).await;
    let index = AuditIndex::new(world.database.clone());
    let begun = index.begin(&world.store).await.unwrap();
    let filled = index.advance(&world.store, begun, 1_000).await.unwrap();
    let database = Database::connect_for(&world.home.read_models(), 1, Limits::BULK).await.unwrap();
    let frozen = checkpoint::begin(&database).await.unwrap();
    assert!(index.begin(&world.store).await.unwrap() == filled, "it goes on beside a transaction that does not end");
    frozen.rollback().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_somebody_holds_up_is_given_up_soon() {
    let world = postgres().await;
    world.tell(&mut crowd(1)).await;
    world.catch_up().await;
    let mut frozen = foreign(&world).await;
    let next = checkpoints(&world.database).await.unwrap();
    let mut next: checkpoint::Checkpoints = next.into_iter().filter(|((_, partition), _)| partition.0 == 1).collect();
    next.values_mut().for_each(|checkpoint| checkpoint.number += 1);
    checkpoint::step(&mut frozen, &next).await.unwrap();
    let soon = Duration::from_millis(100);
    let held = checkpoint::touch(&world.database, Partition(1), soon).await;
    assert!(held.as_ref().is_err_and(Error::is_lock_timeout), "{held:?}");
    checkpoint::touch(&world.database, Partition(0), soon).await.unwrap();
    frozen.commit().await.unwrap();
    checkpoint::touch(&world.database, Partition(1), soon).await.unwrap();
}

async fn count(world: &World, table: &str) -> i64 {
    let row = world.database.fetch_optional(query(format!("SELECT COUNT(*) AS count FROM {table}"))).await.unwrap();
    row.unwrap().get("count").unwrap()
}

each_engine!(what_a_dead_process_leased_is_free_at_once, |home| async move {
    let world = World::new(home).await;
    let [one, two] = [1, 2].map(Uuid::from_u128);
    let dying = Owner::begin(world.database.clone(), one).await.unwrap();
    let mut leases = Leases::new(world.database.clone(), one, LONG, 16);
    leases.renew().await.unwrap();
    assert_eq!(leases.held().len(), 16);
    let duty = query("INSERT INTO duties (name, owner, expires_at) VALUES ('work', $1, $2)");
    world.database.execute(duty.bind(one).bind(i64::MAX)).await.unwrap();

    let mut heir = Owner::begin(world.database.clone(), two).await.unwrap();
    let mut inherited = Leases::new(world.database.clone(), two, LONG, 16);
    inherited.renew().await.unwrap();
    assert!(inherited.held().is_empty() && count(&world, "duties").await == 1, "the first one lives");

    drop(dying);
    let freed = async {
        while count(&world, "owners").await > 1 {
            heir.look().await.unwrap();
        }
    };
    timeout(DEADLINE, freed).await.expect("it is known to be dead");
    assert_eq!((count(&world, "leases").await, count(&world, "duties").await), (0, 0));
    inherited.renew().await.unwrap();
    assert_eq!(inherited.held().len(), 16);
    heir.look().await.unwrap();
    assert_eq!(count(&world, "leases").await, 16, "the living keep theirs");
});

each_engine!(what_stands_still_is_named, |home| async move {
    let world = World::new(home).await;
    world.tell(&mut crowd(1)).await;
    world.catch_up().await;
    let mut standing = Standing::default();
    let names = standing.look(&world.progress()).await.unwrap();
    let all: Vec<_> = (0..PARTITIONS).map(|n| format!("partition:{n}")).collect();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), all, "nobody has leased anything");
    let mut leases = Leases::new(world.database.clone(), Uuid::from_u128(1), LONG, PARTITIONS);
    leases.renew().await.unwrap();
    assert!(standing.look(&world.progress()).await.unwrap().is_empty());
    world.tell(&mut crowd(2)).await;
    let is_named = async || standing.look(&world.progress()).await.unwrap().contains("read_models:users");
    until("what nobody applies to be named", is_named).await;
});
