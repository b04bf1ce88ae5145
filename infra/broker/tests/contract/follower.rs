//! A catch-up subscription yields each event once and in order, whatever the broker does.

use crate::{
    arms::{DEADLINE, soon, until},
    log::{Kind, append, check, expected, from, mixed, open},
    scene::{Case, ORDERINGS, Scene, follow, follow_live, pump, subscribe, take, writer_and_reader},
};
use broker::{Broker, CatchUpSubscription, Faults, Interest, Marks, Ordering, Stats, Wake};
use domain::Tier;
use event_store::{Position, RecordedEvent};
use proptest::prelude::*;
use sql::{Database, query};
use std::sync::Arc;
use testkit::{Home, each_engine, each_mix};
use tokio::time::timeout;

/// The marks after these events.
fn last(yielded: &[Arc<RecordedEvent>]) -> Marks {
    let of = |tier| {
        let records = yielded.iter().map(|event| &event.record).filter(|record| record.lane.tier == tier);
        records.map(|record| record.position).max().unwrap_or_default()
    };
    Marks { high: of(Tier::High), medium: of(Tier::Medium) }
}

/// Waits until the reader, if it is another process, has received all runs published since.
async fn received([writer, reader]: &[Broker; 2], [sent, received]: [Stats; 2]) {
    let is_received = || {
        let (now, here) = (writer.stats(), reader.stats());
        here.high.received - received.high.received >= now.high.published - sent.high.published
            && here.medium.received - received.medium.received >= now.medium.published - sent.medium.published
    };
    if writer.node() != reader.node() {
        until("received", is_received).await;
    }
}

each_mix!(reads_the_events_before_it, |home| async {
    let (store, batches) = open(&home).await;
    let brokers = writer_and_reader(&home, 8, Faults::NONE).await;
    // Between processes, the shared queues keep runs without a consumer: old notifications.
    drop(follow_live(&store, &brokers[1], Ordering::Partition, Marks::default()).await);
    pump(batches, brokers[0].clone());
    append(&store, &mixed(1_500)).await;
    append(&store, &mixed(1_000)).await;
    for ordering in ORDERINGS {
        for marks in [Marks::default(), Marks { high: 1_400, medium: 300 }, Marks { high: 2_499, medium: 2_499 }] {
            let expected = expected(&store, marks).await;
            let mut follower = follow(&store, &brokers[1], ordering, marks);
            check(&expected, ordering, &take(&mut follower, expected.len(), 300).await);
        }
    }
});

each_mix!(yields_live_events_as_they_arrive, |home| async {
    let (store, batches) = open(&home).await;
    let brokers = writer_and_reader(&home, 1_000, Faults::NONE).await;
    pump(batches, brokers[0].clone());
    for ordering in ORDERINGS {
        let head = store.head().await.unwrap().position;
        let marks = Marks { high: head, medium: head };
        let mut follower = follow_live(&store, &brokers[1], ordering, marks).await;
        let before = brokers.each_ref().map(Broker::stats);
        let mut yielded = Vec::new();
        for _ in 0..20 {
            append(&store, &mixed(9)).await;
            yielded.extend(take(&mut follower, 9, 100).await);
        }
        check(&expected(&store, marks).await, ordering, &yielded);
        if ordering == Ordering::Global {
            assert!(follower.marks().values().all(|marks| *marks == last(&yielded)));
        }
        received(&brokers, before).await;
    }
    assert_eq!(brokers[0].stats().high.unsent, 0);
});

each_mix!(yields_what_does_not_wake_it_all_the_same, |home| async {
    let (store, batches) = open(&home).await;
    let brokers = writer_and_reader(&home, 16, Faults::NONE).await;
    pump(batches, brokers[0].clone());
    let wake = Wake::For(|record| record.position % 7 == 0);
    let notifications = brokers[1].subscribe(Interest::Tiers { tiers: Tier::DURABLE.to_vec(), wake });
    soon(notifications.ready()).await;
    let ordering = Ordering::Partition;
    let mut follower = CatchUpSubscription::new(store.clone(), notifications, ordering, from(Marks::default()));
    let mut yielded = Vec::new();
    for _ in 0..5 {
        append(&store, &mixed(9)).await;
        append(&store, &mixed(4)).await;
        yielded.extend(take(&mut follower, 13, 100).await);
    }
    check(&expected(&store, Marks::default()).await, ordering, &yielded);
});

each_engine!(works_without_a_broker, |home| async {
    let (store, batches) = open(&home).await;
    let lossy = Broker::in_process_with(8, Faults { loss: 100, ..Faults::NONE });
    pump(batches, lossy.clone());
    let gone = Broker::in_process(8);
    let subscription = subscribe(&gone, Ordering::Global);
    drop(gone);
    let mut followers = [
        follow(&store, &lossy, Ordering::Partition, Marks::default()),
        CatchUpSubscription::new(store.clone(), subscription, Ordering::Global, from(Marks::default())),
    ];
    for round in 0..3 {
        append(&store, &mixed(20)).await;
        for (follower, ordering) in followers.iter_mut().zip(ORDERINGS) {
            let expected: Vec<Position> = (round * 20 + 1..=round * 20 + 20).collect();
            check(&expected, ordering, &take(follower, 20, 100).await);
        }
    }
});

each_mix!(closes_a_gap_before_more_notifications_than_it_can_hold, |home| async {
    let (store, mut batches) = open(&home).await;
    let brokers = writer_and_reader(&home, 1_000, Faults::NONE).await;
    for ordering in ORDERINGS {
        let head = store.head().await.unwrap().position;
        let marks = Marks { high: head, medium: head };
        let mut follower = follow_live(&store, &brokers[1], ordering, marks).await;
        append(&store, &mixed(10)).await;
        let mut yielded = take(&mut follower, 10, 10).await;
        append(&store, &mixed(10)).await;
        while batches.try_recv().is_ok() {}
        let before = brokers.each_ref().map(Broker::stats);
        for _ in 0..6 {
            append(&store, &mixed(2_000)).await;
            brokers[0].publish(&batches.recv().await.unwrap());
        }
        received(&brokers, before).await;
        yielded.extend(take(&mut follower, 12_010, 1_000).await);
        let positions: Vec<_> = (head + 1..=head + 12_020).collect();
        let mut of_yielded: Vec<_> = yielded.iter().map(|event| event.record.position).collect();
        of_yielded.sort_unstable();
        assert!(of_yielded == positions, "each event once");
    }
});

each_mix!(loses_nothing_when_its_caller_keeps_cancelling, |home| async {
    let (store, batches) = open(&home).await;
    let faults = Faults { loss: 20, doubling: 20, disorder: 20, seed: 3 };
    let [writer, reader] = writer_and_reader(&home, 64, faults).await;
    pump(batches, writer.clone());
    let mut follower = follow_live(&store, &reader, Ordering::Global, Marks::default()).await;
    append(&store, &mixed(50)).await;
    let appended = tokio::spawn({
        let store = store.clone();
        async move {
            for _ in 0..20 {
                append(&store, &mixed(10)).await;
            }
        }
    });
    let mut yielded = Vec::new();
    let all = async {
        while yielded.len() < 250 {
            tokio::select! {
                biased;
                batch = follower.next(7) => yielded.extend(batch.unwrap()),
                () = tokio::task::yield_now() => {}
            }
        }
    };
    timeout(DEADLINE, all).await.unwrap();
    appended.await.unwrap();
    check(&expected(&store, Marks::default()).await, Ordering::Global, &yielded);
});

each_mix!(continues_after_the_store_was_unavailable, |home| async {
    let (store, mut batches) = open(&home).await;
    let database = Database::connect(&home.log(), 1).await.unwrap();
    let brokers = writer_and_reader(&home, 64, Faults::NONE).await;
    let mut follower = follow_live(&store, &brokers[1], Ordering::Global, Marks::default()).await;
    append(&store, &mixed(10)).await;
    let mut yielded = take(&mut follower, 10, 4).await;
    append(&store, &mixed(10)).await;
    while batches.try_recv().is_ok() {}
    append(&store, &mixed(10)).await;
    database.execute(query("ALTER TABLE ledger RENAME TO ledger_moved")).await.unwrap();
    // Notifications that arrive meanwhile are behind a gap that only the store can close.
    let before = brokers.each_ref().map(Broker::stats);
    brokers[0].publish(&batches.recv().await.unwrap());
    received(&brokers, before).await;
    assert!(timeout(DEADLINE, follower.next(4)).await.unwrap().is_err());
    assert!(timeout(DEADLINE, follower.next(4)).await.unwrap().is_err());
    database.execute(query("ALTER TABLE ledger_moved RENAME TO ledger")).await.unwrap();
    let again = async {
        while yielded.len() < 30 {
            if let Ok(batch) = follower.next(4).await {
                yielded.extend(batch);
            }
        }
    };
    timeout(DEADLINE, again).await.unwrap();
    check(&expected(&store, Marks::default()).await, Ordering::Global, &yielded);
});

pub(crate) fn kinds() -> impl Strategy<Value = Vec<Kind>> {
    let kind =
        (prop::bool::ANY, 0..9_u8).prop_map(|(high, scope)| (if high { Tier::High } else { Tier::Medium }, scope));
    prop::collection::vec(kind, 1..12)
}

fn faults() -> impl Strategy<Value = Faults> {
    (0..60_u8, 0..60_u8, 0..60_u8, any::<u64>()).prop_map(|(loss, doubling, disorder, seed)| Faults {
        loss,
        doubling,
        disorder,
        seed,
    })
}

pub(crate) fn case() -> impl Strategy<Value = Case> {
    (kinds(), (0..6_u64, 0..6_u64), 1..20_usize).prop_map(|(before, (one, two), max)| {
        let marks = Marks { high: one.max(two), medium: one.min(two) };
        Case { before, marks, max }
    })
}

/// Runs a scenario of a property test.
pub(crate) fn run(scenario: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(scenario);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_log_survives_any_broker(case in case(), live in prop::collection::vec(kinds(), 1..8), faults in faults()) {
        run(async {
            let broker = Broker::in_process_with(4, faults);
            let home = Home::new(testkit::Engine::Sqlite).await;
            let mut scene = Scene::new(home, [broker.clone(), broker], &case).await;
            scene.live(&live, async || ()).await;
            scene.check().await;
        });
    }
}
