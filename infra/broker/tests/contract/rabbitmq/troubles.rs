//! A follower behind a RabbitMQ that fails: nothing is lost, nothing doubled, and what is live comes back.

use crate::{
    arms::{Processes, soon, until},
    follower::{ORDERINGS, follow, pump, take},
    log::{append, check, expected, mixed, open},
};
use broker::{Broker, Follower, Health, Interest, Marks, Ordering};
use domain::{Lane, Partition, Tier};
use event_store::{EventStore, RecordedEvent};
use lapin::options::{ExchangeDeleteOptions, QueueDeleteOptions};
use std::sync::Arc;
use testkit::{Engine, Home};

/// A log, the broker of the process that writes it, and followers of each ordering in another process.
struct Scene {
    store: EventStore,
    writer: Broker,
    reader: Broker,
    followers: [Follower; 2],
    yielded: [Vec<Arc<RecordedEvent>>; 2],
    _home: Home,
}

impl Scene {
    async fn new(writer: Broker, reader: Broker) -> Self {
        let home = Home::new(Engine::Sqlite).await;
        let (store, batches) = open(&home).await;
        pump(batches, writer.clone());
        let followers = ORDERINGS.map(|ordering| follow(&store, &reader, ordering, Marks::default()));
        Self { store, writer, reader, followers, yielded: [vec![], vec![]], _home: home }
    }

    /// Appends some events and has them followed.
    async fn go_on(&mut self) {
        append(&self.store, &mixed(9)).await;
        for (follower, yielded) in self.followers.iter_mut().zip(&mut self.yielded) {
            yielded.extend(take(follower, 9, 100).await);
        }
    }

    /// Goes on until runs come to the reader again.
    async fn until_live(&mut self) {
        let before = self.reader.stats();
        let live = async {
            loop {
                self.go_on().await;
                let now = self.reader.stats();
                if now.high.received > before.high.received + 20 && now.medium.received > before.medium.received {
                    return;
                }
            }
        };
        soon(live).await;
    }

    /// Goes on until it is so.
    async fn until(&mut self, what: &str, so: impl Fn(&Self) -> bool) {
        let waited = async {
            while !so(self) {
                self.go_on().await;
            }
        };
        assert!(tokio::time::timeout(crate::arms::DEADLINE, waited).await.is_ok(), "it never was {what}");
    }

    async fn check(self) {
        let expected = expected(&self.store, Marks::default()).await;
        for (ordering, yielded) in ORDERINGS.into_iter().zip(&self.yielded) {
            check(&expected, ordering, yielded);
        }
    }
}

fn is_away(broker: &Broker) -> bool {
    matches!(broker.health(), Health::Away { .. })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_events_come_in_order_from_another_process() {
    let processes = Processes::new();
    let mut scene = Scene::new(processes.join_up().await, processes.join_up().await).await;
    for _ in 0..20 {
        scene.go_on().await;
    }
    scene.until_live().await;
    assert_eq!(scene.writer.stats().high.unsent, 0);
    scene.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rabbitmq_may_come_later() {
    let processes = Processes::new();
    let (cable, behind) = processes.behind_a_cable().await;
    cable.cut();
    let mut scene = Scene::new(behind.join(), behind.join()).await;
    scene.until("away", |scene| is_away(&scene.writer) && is_away(&scene.reader)).await;
    scene.go_on().await;
    assert!(scene.writer.stats().high.unsent > 0);
    cable.mend();
    scene.until_live().await;
    assert!(scene.writer.health().is_up() && scene.reader.health().is_up());
    assert_eq!(scene.writer.stats().reconnections, 0, "the first connection is none again");
    scene.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_may_be_cut_and_come_again() {
    let processes = Processes::new();
    let (cable, behind) = processes.behind_a_cable().await;
    let mut scene = Scene::new(behind.join_up().await, behind.join_up().await).await;
    for round in 1..=3 {
        scene.until_live().await;
        cable.cut();
        scene.until("away", |scene| is_away(&scene.writer) && is_away(&scene.reader)).await;
        scene.go_on().await;
        cable.mend();
        scene.until("back", |scene| scene.writer.health().is_up() && scene.reader.health().is_up()).await;
        assert!(scene.writer.stats().reconnections >= 2 * round, "publishing and consuming");
    }
    scene.until_live().await;
    scene.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_may_hang() {
    let processes = Processes::new();
    let (cable, behind) = processes.behind_a_cable().await;
    let mut scene = Scene::new(behind.join_up().await, behind.join_up().await).await;
    scene.until_live().await;
    cable.hang();
    scene.until("away", |scene| is_away(&scene.writer) && is_away(&scene.reader)).await;
    let unconfirmed = scene.writer.stats();
    assert!(unconfirmed.high.unconfirmed > 0, "{unconfirmed:?}");
    cable.mend();
    scene.until_live().await;
    scene.check().await;
}

/// As when RabbitMQ comes back with an empty disk, but without its connections being ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queues_and_exchanges_may_be_deleted() {
    let processes = Processes::new();
    let (writer, reader) = (processes.join_up().await, processes.join_up().await);
    let mut scene = Scene::new(writer, reader).await;
    let lanes: Vec<_> = Tier::DURABLE
        .iter()
        .flat_map(|tier| (0..4).map(|partition| Lane { tier: *tier, partition: Partition(partition) }))
        .collect();
    let queue = "worker".to_owned();
    let hints = scene.reader.subscribe(Interest::Lanes { queue, lanes: lanes.clone() });
    soon(hints.ready()).await;
    let from = scene.followers[0].marks().clone();
    scene.followers[0] = Follower::new(scene.store.clone(), hints, Ordering::Partition, from);
    let (_connection, channel) = processes.amqp().await;
    for _ in 0..2 {
        scene.until_live().await;
        for Lane { tier, partition } in &lanes {
            let name = processes.name(&format!("worker.{}.{}", tier.as_str(), partition.0));
            channel.queue_delete(name.into(), QueueDeleteOptions::default()).await.unwrap();
        }
        scene.go_on().await;
        for name in ["events", "signals", "retry", "dead"] {
            channel.exchange_delete(processes.name(name).into(), ExchangeDeleteOptions::default()).await.unwrap();
        }
        scene.go_on().await;
    }
    scene.until_live().await;
    scene.check().await;
}

/// A process that has gone leaves nothing behind in lapin: no thread of a connection that hangs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_hang_leave_no_threads() {
    let threads = || {
        let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
        tasks
            .filter(|task| {
                std::fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.starts_with("lapin"))
            })
            .count()
    };
    let (cable, behind) = Processes::new().behind_a_cable().await;
    cable.hang();
    let broker = behind.join();
    until("tried", || threads() >= 2).await;
    until("given up", || matches!(broker.health(), Health::Away { why, .. } if why.contains("no answer"))).await;
    drop(broker);
    until("without threads", || threads() == 0).await;
}
