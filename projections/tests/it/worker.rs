//! Workers: in succession, side by side, and read from another process.

use super::support::{DEADLINE, PARTITIONS, Story, World, clock, dump, empty};
use broker::{Broker, Faults};
use domain::{Partition, Timestamp};
use projections::{Applier, Extent, Projection, Worker, WorkerSettings};
use sql::query;
use std::{collections::BTreeSet, time::Duration};
use testkit::each_engine;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How long the leases of [`worker`] last: longer than a living worker on a busy machine may be held up.
const LEASE: Duration = Duration::from_secs(4);

/// Worker `owner`, with this clock.
fn worker(world: &World, broker: &Broker, owner: u128, clock: fn() -> Timestamp, token: &CancellationToken) -> Worker {
    let settings = WorkerSettings {
        store: world.store.clone(),
        broker: broker.clone(),
        database: world.database.clone(),
        leases_in: None,
        owner: Uuid::from_u128(owner),
        lease: LEASE,
        clock,
        build: "test".into(),
    };
    Worker::start(settings, token.clone())
}

/// A machine whose clock is wrong.
fn ahead() -> Timestamp {
    Timestamp::from_millis(clock().millis() + 300_000)
}

/// The owner of each partition, and the earliest expiry.
async fn held(world: &World) -> (Vec<(i64, Uuid)>, i64) {
    let sql = "SELECT partition, owner, expires_at FROM leases ORDER BY partition";
    let rows = world.database.fetch_all(query(sql)).await.unwrap();
    let until = rows.iter().map(|row| row.get::<i64>("expires_at").unwrap()).min().unwrap_or_default();
    (rows.iter().map(|row| (row.get("partition").unwrap(), row.get("owner").unwrap())).collect(), until)
}

/// Waits until exactly these workers hold all partitions. Returns the owners and the earliest expiry.
async fn shared_among(world: &World, owners: &[u128]) -> (Vec<(i64, Uuid)>, i64) {
    let wanted: BTreeSet<_> = owners.iter().map(|owner| Uuid::from_u128(*owner)).collect();
    let look = async || {
        let (held, until) = held(world).await;
        let owners: BTreeSet<_> = held.iter().map(|(_, owner)| *owner).collect();
        (held.len() == usize::from(PARTITIONS) && owners == wanted).then_some((held, until))
    };
    testkit::until_some("the partitions to be shared out", look).await
}

fn chatter(story: &mut Story, begin: u64) {
    let group = story.group(0);
    for n in begin..begin + 50 {
        story.send(n, n % 3, group, "hello");
        story.react(n, (n + 1) % 3, "👍");
    }
}

fn opening() -> Story {
    let mut story = Story::new(1);
    story.register_all(3);
    story.open_group(0, 0, &[1, 2], false);
    story
}

each_engine!(a_reader_sees_its_own_write, |home| async move {
    let world = World::new(home).await;
    let token = CancellationToken::new();
    let worker = world.worker(&world.broker(Faults::NONE), &token);
    let progress = worker.progress();
    let mut story = opening();
    for begin in [0, 50, 100] {
        chatter(&mut story, begin);
        let position = world.tell(&mut story).await;
        assert!(progress.wait(position, &Projection::ALL, DEADLINE).await);
        assert_eq!(dump(&world.database).await["messages"].len() as u64, begin + 50);
    }
    let head = world.store.head().await.unwrap().position;
    assert!(progress.wait(head + 1_000, &Projection::ALL, DEADLINE).await, "no further than the log's head");
    assert!(progress.lag().await.unwrap().values().all(|lag| *lag == 0));
    token.cancel();
    worker.stopped().await;
});

each_engine!(lag_counts_from_the_oldest_event_not_applied, |home| async move {
    let world = World::new(home).await;
    let mut story = opening();
    chatter(&mut story, 0);
    let before = world.tell(&mut story).await;
    world.catch_up().await;
    let lag = async || world.progress().lag().await.unwrap().into_values().collect::<Vec<_>>();
    const ALL: usize = Projection::ALL.len();
    assert_eq!(lag().await, [0; ALL]);
    story.register_all(9);
    let after = world.tell(&mut story).await;
    assert_eq!(lag().await, [after - before; ALL], "also where the partition was quiet before");
});

each_engine!(a_reader_elsewhere_waits_for_the_tables, |home| async move {
    let world = World::new(home).await;
    let elsewhere = world.progress();
    let mut story = opening();
    chatter(&mut story, 0);
    let position = world.tell(&mut story).await;
    assert!(!elsewhere.wait(position, &[Projection::Users], Duration::from_millis(50)).await, "nobody works");
    assert!(elsewhere.lag().await.unwrap().values().any(|lag| *lag > 0));
    let token = CancellationToken::new();
    let worker = world.worker(&world.broker(Faults::NONE), &token);
    let readers = (0..20).map(|_| elsewhere.wait(position, &Projection::ALL, DEADLINE));
    assert!(futures_all(readers).await);
    assert_eq!(dump(&world.database).await["messages"].len(), 50);
    token.cancel();
    worker.stopped().await;
});

each_engine!(a_partition_that_stands_keeps_only_its_own_readers_waiting, |home| async move {
    let world = World::new(home).await;
    let mut story = opening();
    chatter(&mut story, 0);
    let position = world.tell(&mut story).await;
    let stands = Partition::of(story.group(0).0, PARTITIONS);
    let others: Vec<_> = (0..PARTITIONS).map(Partition).filter(|partition| *partition != stands).collect();
    let (store, database) = (world.store.clone(), world.database.clone());
    let mut applier = Applier::load(store, database, &Projection::ALL, &others, clock).await.unwrap();
    applier.apply(&world.events_after(0).await).await.unwrap();
    let shows = async |extent, deadline| world.progress().wait_in(&extent, position, &Projection::ALL, deadline).await;
    assert!(shows(Extent::Partitions(others.into_iter().collect()), DEADLINE).await);
    let soon = Duration::from_millis(50);
    assert!(!shows(Extent::of([story.group(0).0], PARTITIONS), soon).await && !shows(Extent::Whole, soon).await);
});

each_engine!(two_hundred_readers_elsewhere_ask_as_one, |home| async move {
    let world = World::new(home).await;
    let mut story = opening();
    let position = world.tell(&mut story).await;
    world.catch_up().await;
    let elsewhere = world.progress();
    let readers = (0..200).map(|_| {
        let elsewhere = elsewhere.clone();
        tokio::spawn(async move { elsewhere.wait(position, &Projection::ALL, DEADLINE).await })
    });
    for reader in readers.collect::<Vec<_>>() {
        assert!(reader.await.unwrap());
    }
    assert!(elsewhere.readings() < 20, "{} readings", elsewhere.readings());
    assert!(elsewhere.wait(position + 1_000, &Projection::ALL, DEADLINE).await, "no further than the log's head");
});

async fn futures_all(readers: impl Iterator<Item = impl Future<Output = bool>>) -> bool {
    let mut all = true;
    for reader in readers.map(Box::pin).collect::<Vec<_>>() {
        all &= reader.await;
    }
    all
}

each_engine!(a_worker_held_up_goes_on_when_it_can, |home| async move {
    let world = World::new(home).await;
    let token = CancellationToken::new();
    let worker = world.worker(&world.broker(Faults::NONE), &token);
    let mut story = opening();
    let position = world.tell(&mut story).await;
    assert!(worker.progress().wait(position, &Projection::ALL, DEADLINE).await);
    let rename = async |from: &str, to: &str| {
        let sql = format!("ALTER TABLE {from} RENAME TO {to}");
        world.database.execute(query(sql)).await.unwrap();
    };
    rename("messages", "elsewhere").await;
    chatter(&mut story, 0);
    let position = world.tell(&mut story).await;
    assert!(!worker.progress().wait(position, &Projection::ALL, Duration::from_millis(300)).await);
    rename("elsewhere", "messages").await;
    assert!(worker.progress().wait(position, &Projection::ALL, DEADLINE).await);
    assert_eq!(dump(&world.database).await["messages"].len(), 50);
    token.cancel();
    worker.stopped().await;
});

each_engine!(the_next_worker_goes_on_where_the_last_one_stopped, |home| async move {
    let world = World::new(home).await;
    let broker = world.broker(Faults::NONE);
    let mut story = opening();
    for begin in [0, 50, 100] {
        let token = CancellationToken::new();
        let worker = world.worker(&broker, &token);
        chatter(&mut story, begin);
        let position = world.tell(&mut story).await;
        assert!(worker.progress().wait(position, &Projection::ALL, DEADLINE).await);
        token.cancel();
        worker.stopped().await;
    }
    let tables = dump(&world.database).await;
    assert_eq!((tables["messages"].len(), tables["reactions"].len()), (150, 150));
});

each_engine!(workers_come_and_go_under_traffic, |home| async move {
    let world = World::new(home).await;
    let broker = world.broker(Faults::NONE);
    let token = CancellationToken::new();
    let first = worker(&world, &broker, 1, clock, &token);
    let second = worker(&world, &broker, 2, clock, &token);
    let mut story = opening();
    world.tell(&mut story).await;
    shared_among(&world, &[1, 2]).await;

    for n in 0..4 {
        chatter(&mut story, n * 50);
        world.tell(&mut story).await;
    }
    first.kill();
    for n in 4..8 {
        chatter(&mut story, n * 50);
        story.retitle(story.group(0), 0, Some(&format!("Title {n}")));
        world.tell(&mut story).await;
    }
    shared_among(&world, &[2]).await;
    let third = worker(&world, &broker, 3, clock, &token);
    chatter(&mut story, 400);
    let position = world.tell(&mut story).await;
    shared_among(&world, &[2, 3]).await;
    assert!(third.progress().wait(position, &Projection::ALL, DEADLINE).await);
    token.cancel();
    second.stopped().await;
    third.stopped().await;

    let live = dump(&world.database).await;
    assert_eq!((live["messages"].len(), live["reactions"].len()), (450, 450));
    empty(&world.database).await;
    world.catch_up().await;
    assert_eq!(dump(&world.database).await, live);
});

each_engine!(clocks_that_differ_move_no_partitions, |home| async move {
    let world = World::new(home).await;
    let broker = world.broker(Faults::NONE);
    let mut story = opening();
    // Whichever of the two dies: the one with the fast clock, then the other.
    for (round, dies) in [(0, 0), (1, 1)] {
        let token = CancellationToken::new();
        let owners = [round * 2 + 1, round * 2 + 2];
        let mut workers = [
            Some(worker(&world, &broker, owners[0], ahead, &token)),
            Some(worker(&world, &broker, owners[1], clock, &token)),
        ];
        let (shared, mut until) = shared_among(&world, &owners).await;
        let mut renewals = 0;
        let are_renewed = async || {
            let (now, renewed) = held(&world).await;
            assert_eq!(now, shared, "nobody takes what a living worker holds");
            renewals += u32::from(renewed > until);
            until = renewed;
            renewals >= 4
        };
        testkit::until("four renewals", are_renewed).await;
        workers[dies].take().unwrap().kill();
        chatter(&mut story, u64::try_from(round).unwrap() * 50);
        let position = world.tell(&mut story).await;
        shared_among(&world, &[owners[1 - dies]]).await;
        let survivor = workers[1 - dies].take().unwrap();
        assert!(survivor.progress().wait(position, &Projection::ALL, DEADLINE).await);
        token.cancel();
        survivor.stopped().await;
    }
    assert_eq!(dump(&world.database).await["messages"].len(), 100);
});
