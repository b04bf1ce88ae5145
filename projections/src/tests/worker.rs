//! Workers as they run: one after the other, beside each other, and read from elsewhere.

use super::support::{DEADLINE, Story, World, dump};
use crate::{Projection, Worker, WorkerSettings};
use broker::{Broker, Faults};
use std::time::Duration;
use testkit::each_engine;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A worker whose leases last so long.
fn worker(world: &World, broker: &Broker, owner: u128, lease: Duration, token: &CancellationToken) -> Worker {
    let settings = WorkerSettings {
        store: world.store.clone(),
        broker: broker.clone(),
        database: world.database.clone(),
        owner: Uuid::from_u128(owner),
        lease,
        clock: real_time,
    };
    Worker::start(settings, token.clone())
}

/// Leases between running workers need a clock that runs with them.
fn real_time() -> domain::Timestamp {
    use std::{sync::LazyLock, time::Instant};
    static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
    domain::Timestamp::from_millis(i64::try_from(BEGUN.elapsed().as_millis()).unwrap())
}

fn chatter(story: &mut Story, begin: u64) {
    let group = story.group(0);
    for n in begin..begin + 50 {
        story.send(n, n % 3, group, "hello");
        story.react(n, (n + 1) % 3, "+1");
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
    assert_eq!(lag().await, [0; 5]);
    story.register_all(9);
    let after = world.tell(&mut story).await;
    assert_eq!(lag().await, [after - before; 5], "also where the partition was quiet before");
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
        world.database.execute(sql::query(sql)).await.unwrap();
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

each_engine!(a_dead_workers_partitions_are_taken_over, |home| async move {
    let world = World::new(home).await;
    let broker = world.broker(Faults::NONE);
    let lease = Duration::from_millis(600);
    let (first_token, second_token) = (CancellationToken::new(), CancellationToken::new());
    let first = worker(&world, &broker, 1, lease, &first_token);
    let second = worker(&world, &broker, 2, lease, &second_token);
    let mut story = opening();
    chatter(&mut story, 0);
    let position = world.tell(&mut story).await;
    assert!(first.progress().wait(position, &Projection::ALL, DEADLINE).await);

    first.kill();
    chatter(&mut story, 50);
    let position = world.tell(&mut story).await;
    assert!(second.progress().wait(position, &Projection::ALL, DEADLINE).await);
    let tables = dump(&world.database).await;
    assert_eq!((tables["messages"].len(), tables["reactions"].len()), (100, 100));
    second_token.cancel();
    second.stopped().await;
});
