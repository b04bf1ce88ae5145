//! A catch-up subscription behind a failing RabbitMQ: no event is lost or doubled, and live delivery resumes.

use crate::{
    arms::{Processes, until},
    follower::{case, kinds, run},
    scene::{Case, Scene, lanes},
};
use broker::{Broker, Health};
use lapin::{
    Connection,
    options::{ExchangeDeleteOptions, QueueDeleteOptions, QueuePurgeOptions},
};
use proptest::prelude::*;
use std::time::Duration;
use testkit::{Cable, Engine, Home};

/// A scene of two processes on SQLite.
async fn scene(writer: Broker, reader: Broker) -> Scene {
    Scene::new(Home::new(Engine::Sqlite).await, [writer, reader], &Case::new()).await
}

/// Failures of RabbitMQ, or of the connection to it.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    Cut,
    Hang,
    Mend,
    /// The lanes' queues are purged.
    Purge,
    /// The lanes' queues are deleted.
    NoQueues,
    /// All exchanges are deleted.
    NoExchanges,
}

impl Trouble {
    /// All except the one that clients may take seconds to notice.
    const QUICK: [Self; 5] = [Self::Cut, Self::Hang, Self::Mend, Self::Purge, Self::NoQueues];

    async fn inject(self, cable: &Cable, processes: &Processes, connection: &Connection) {
        let names = lanes().into_iter().map(|lane| format!("test.{}.{}", lane.tier.as_str(), lane.partition.0));
        let queues: Vec<_> = names.map(|name| processes.name(&name)).collect();
        let channel = connection.create_channel().await.unwrap();
        match self {
            Self::Cut => cable.cut(),
            Self::Hang => cable.hang(),
            Self::Mend => cable.mend(),
            Self::Purge => {
                for queue in queues {
                    let channel = connection.create_channel().await.unwrap();
                    // An error means that the queue does not exist now.
                    let _ = channel.queue_purge(queue.into(), QueuePurgeOptions::default()).await;
                }
            }
            Self::NoQueues => {
                for queue in queues {
                    channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await.unwrap();
                }
            }
            Self::NoExchanges => {
                for name in ["events", "signals", "retry", "dead"] {
                    let name = processes.name(name);
                    channel.exchange_delete(name.into(), ExchangeDeleteOptions::default()).await.unwrap();
                }
            }
        }
    }
}

fn is_unavailable(broker: &Broker) -> bool {
    matches!(broker.health(), Health::Away { .. })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rabbitmq_may_start_later() {
    let processes = Processes::new();
    let (cable, behind) = processes.behind_a_cable().await;
    cable.cut();
    let mut scene = scene(behind.join(), behind.join()).await;
    scene.until("unavailable", |scene| is_unavailable(&scene.writer) && is_unavailable(&scene.reader)).await;
    scene.go_on().await;
    assert!(scene.writer.stats().high.unsent > 0);
    cable.mend();
    scene.until_live().await;
    // Events flow over the writer's publishing and the reader's consuming connection; the other two may come later.
    scene.until("available", |scene| scene.writer.health().is_up() && scene.reader.health().is_up()).await;
    assert_eq!(scene.writer.stats().reconnections, 0, "the first connection is no reconnection");
    scene.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_may_break_and_are_replaced() {
    let processes = Processes::new();
    let (cable, behind) = processes.behind_a_cable().await;
    let mut scene = scene(behind.join_up().await, behind.join_up().await).await;
    for round in 1..=3 {
        scene.until_live().await;
        cable.cut();
        scene.until("unavailable", |scene| is_unavailable(&scene.writer) && is_unavailable(&scene.reader)).await;
        scene.go_on().await;
        cable.mend();
        scene.until("available", |scene| scene.writer.health().is_up() && scene.reader.health().is_up()).await;
        assert!(scene.writer.stats().reconnections >= 2 * round, "publishing and consuming");
    }
    scene.until_live().await;
    scene.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_may_hang() {
    let processes = Processes::new();
    let (cable, behind) = processes.behind_a_cable().await;
    let mut scene = scene(behind.join_up().await, behind.join_up().await).await;
    scene.until_live().await;
    cable.hang();
    scene.until("unavailable", |scene| is_unavailable(&scene.writer) && is_unavailable(&scene.reader)).await;
    let unconfirmed = scene.writer.stats();
    assert!(unconfirmed.high.unconfirmed > 0, "{unconfirmed:?}");
    cable.mend();
    scene.until_live().await;
    scene.check().await;
}

/// As after a restart of RabbitMQ with an empty disk, but with its connections kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queues_and_exchanges_may_be_deleted() {
    let (cable, processes) = Processes::new().behind_a_cable().await;
    let mut scene = scene(processes.join_up().await, processes.join_up().await).await;
    let (connection, _channel) = processes.amqp().await;
    for _ in 0..2 {
        scene.until_live().await;
        for trouble in [Trouble::NoQueues, Trouble::NoExchanges] {
            trouble.inject(&cable, &processes, &connection).await;
            scene.go_on().await;
        }
    }
    scene.until_live().await;
    scene.check().await;
}

proptest! {
    // A failure of this kind is not reproducible: there is nothing to shrink.
    #![proptest_config(ProptestConfig {
        cases: 6,
        max_shrink_iters: 0,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_log_survives_any_rabbitmq(
        case in case(),
        live in prop::collection::vec((prop::sample::select(&Trouble::QUICK), 0..150_u64, kinds()), 1..10),
    ) {
        run(async {
            let processes = Processes::new().with_capacity(16);
            let (connection, _channel) = processes.amqp().await;
            let (cable, behind) = processes.behind_a_cable().await;
            let home = Home::new(Engine::Sqlite).await;
            let mut scene = Scene::new(home, [behind.join_up().await, behind.join_up().await], &case).await;
            let mut troubles = live.iter().map(|(trouble, pause, _)| (trouble, Duration::from_millis(*pause)));
            let live: Vec<_> = live.iter().map(|(_, _, kinds)| kinds.clone()).collect();
            let disturb = async || {
                let (trouble, pause) = troubles.next().unwrap();
                trouble.inject(&cable, &processes, &connection).await;
                // Another moment of the operations under way.
                tokio::time::sleep(pause).await;
            };
            scene.live(&live, disturb).await;
            cable.mend();
            scene.until_live().await;
            scene.check().await;
        });
    }
}

/// A stopped broker leaves no thread of a hanging connection in lapin.
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
