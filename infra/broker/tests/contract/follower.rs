//! A follower yields everything once and in order, whatever the broker does.

use crate::arms::DEADLINE;
use crate::log::{Batches, Kind, append, check, expected, from, mixed, open};
use broker::{Broker, Faults, Follower, Interest, Marks, Ordering, Subscription};
use domain::Tier;
use event_store::{EventStore, Position, RecordedEvent};
use proptest::prelude::*;
use sql::{Database, query};
use std::sync::Arc;
use testkit::{Home, each_engine};
use tokio::time::timeout;

pub(crate) const ORDERINGS: [Ordering; 2] = [Ordering::Partition, Ordering::Global];

/// Hands every committed batch to the broker, as the server does.
pub(crate) fn pump(mut batches: Batches, broker: Broker) {
    tokio::spawn(async move {
        while let Some(batch) = batches.recv().await {
            broker.publish(&batch);
        }
    });
}

pub(crate) fn subscribe(broker: &Broker) -> Subscription {
    broker.subscribe(Interest::Tiers { queue: "test".to_owned(), tiers: Tier::DURABLE.to_vec() })
}

pub(crate) fn follow(store: &EventStore, broker: &Broker, ordering: Ordering, marks: Marks) -> Follower {
    Follower::new(store.clone(), subscribe(broker), ordering, from(marks))
}

/// Takes `count` further events.
pub(crate) async fn take(follower: &mut Follower, count: usize, max: usize) -> Vec<Arc<RecordedEvent>> {
    let mut taken = Vec::new();
    let all = async {
        while taken.len() < count {
            let batch = follower.next(max).await.unwrap();
            assert!(!batch.is_empty() && batch.len() <= max);
            taken.extend(batch);
        }
    };
    let in_time = timeout(DEADLINE, all).await.is_ok();
    assert!(in_time, "only {} of {count} events came", taken.len());
    taken
}

/// The marks of one who was yielded these.
fn last(yielded: &[Arc<RecordedEvent>]) -> Marks {
    let of = |tier| {
        let records = yielded.iter().map(|event| &event.record).filter(|record| record.lane.tier == tier);
        records.map(|record| record.position).max().unwrap_or_default()
    };
    Marks { high: of(Tier::High), medium: of(Tier::Medium) }
}

each_engine!(reads_what_was_there_before_it, |home| async {
    let (store, _batches) = open(&home).await;
    append(&store, &mixed(1_500)).await;
    append(&store, &mixed(1_000)).await;
    let broker = Broker::in_process(8);
    for ordering in ORDERINGS {
        for marks in [Marks::default(), Marks { high: 1_400, medium: 300 }, Marks { high: 2_499, medium: 2_499 }] {
            let expected = expected(&store, marks).await;
            let mut follower = follow(&store, &broker, ordering, marks);
            check(&expected, ordering, &take(&mut follower, expected.len(), 300).await);
        }
    }
});

each_engine!(yields_live_events_as_they_come, |home| async {
    let (store, batches) = open(&home).await;
    let broker = Broker::in_process(64);
    pump(batches, broker.clone());
    for ordering in ORDERINGS {
        let head = store.head().await.unwrap().position;
        let marks = Marks { high: head, medium: head };
        let mut follower = follow(&store, &broker, ordering, marks);
        let mut yielded = Vec::new();
        for _ in 0..20 {
            append(&store, &mixed(9)).await;
            yielded.extend(take(&mut follower, 9, 100).await);
        }
        check(&expected(&store, marks).await, ordering, &yielded);
        if ordering == Ordering::Global {
            assert!(follower.marks().values().all(|marks| *marks == last(&yielded)));
        }
    }
});

each_engine!(needs_no_broker_at_all, |home| async {
    let (store, batches) = open(&home).await;
    let deaf = Broker::in_process_with(8, Faults { loss: 100, ..Faults::NONE });
    pump(batches, deaf.clone());
    let gone = Broker::in_process(8);
    let subscription = subscribe(&gone);
    drop(gone);
    let mut followers = [
        follow(&store, &deaf, Ordering::Partition, Marks::default()),
        Follower::new(store.clone(), subscription, Ordering::Global, from(Marks::default())),
    ];
    for round in 0..3 {
        append(&store, &mixed(20)).await;
        for (follower, ordering) in followers.iter_mut().zip(ORDERINGS) {
            let expected: Vec<Position> = (round * 20 + 1..=round * 20 + 20).collect();
            check(&expected, ordering, &take(follower, 20, 100).await);
        }
    }
});

each_engine!(gets_over_a_hole_before_more_hints_than_it_can_hold, |home| async {
    let (store, mut batches) = open(&home).await;
    let broker = Broker::in_process(1_000);
    for ordering in ORDERINGS {
        let head = store.head().await.unwrap().position;
        let marks = Marks { high: head, medium: head };
        let mut follower = follow(&store, &broker, ordering, marks);
        append(&store, &mixed(10)).await;
        let mut yielded = take(&mut follower, 10, 10).await;
        append(&store, &mixed(10)).await;
        while batches.try_recv().is_ok() {}
        for _ in 0..6 {
            append(&store, &mixed(2_000)).await;
            broker.publish(&batches.recv().await.unwrap());
        }
        yielded.extend(take(&mut follower, 12_010, 1_000).await);
        let positions: Vec<_> = (head + 1..=head + 12_020).collect();
        let mut of_yielded: Vec<_> = yielded.iter().map(|event| event.record.position).collect();
        of_yielded.sort_unstable();
        assert!(of_yielded == positions, "each event once");
    }
});

each_engine!(loses_nothing_when_its_caller_keeps_cancelling, |home| async {
    let (store, batches) = open(&home).await;
    let broker = Broker::in_process_with(64, Faults { loss: 20, doubling: 20, disorder: 20, seed: 3 });
    pump(batches, broker.clone());
    append(&store, &mixed(50)).await;
    let appended = tokio::spawn({
        let store = store.clone();
        async move {
            for _ in 0..20 {
                append(&store, &mixed(10)).await;
            }
        }
    });
    let mut follower = follow(&store, &broker, Ordering::Global, Marks::default());
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

each_engine!(goes_on_after_the_store_was_away, |home| async {
    let (store, _batches) = open(&home).await;
    let database = Database::connect(&home.log(), 1).await.unwrap();
    let broker = Broker::in_process(8);
    let mut follower = follow(&store, &broker, Ordering::Global, Marks::default());
    append(&store, &mixed(10)).await;
    let mut yielded = take(&mut follower, 10, 4).await;
    append(&store, &mixed(10)).await;
    database.execute(query("ALTER TABLE ledger RENAME TO ledger_away")).await.unwrap();
    assert!(timeout(DEADLINE, follower.next(4)).await.unwrap().is_err());
    assert!(timeout(DEADLINE, follower.next(4)).await.unwrap().is_err());
    database.execute(query("ALTER TABLE ledger_away RENAME TO ledger")).await.unwrap();
    let again = async {
        while yielded.len() < 20 {
            if let Ok(batch) = follower.next(4).await {
                yielded.extend(batch);
            }
        }
    };
    timeout(DEADLINE, again).await.unwrap();
    check(&expected(&store, Marks::default()).await, Ordering::Global, &yielded);
});

fn kinds() -> impl Strategy<Value = Vec<Kind>> {
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_log_survives_any_broker(
        before in kinds(),
        live in prop::collection::vec(kinds(), 1..8),
        faults in faults(),
        (one, two) in (0..6_u64, 0..6_u64),
        max in 1..20_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let home = Home::new(testkit::Engine::Sqlite).await;
            let (store, batches) = open(&home).await;
            let broker = Broker::in_process_with(4, faults);
            pump(batches, broker.clone());
            append(&store, &before).await;
            let marks = Marks { high: one.max(two), medium: one.min(two) };
            let mut followers = ORDERINGS.map(|ordering| follow(&store, &broker, ordering, marks));
            let appended = tokio::spawn({
                let (store, live) = (store.clone(), live.clone());
                async move {
                    for kinds in live {
                        append(&store, &kinds).await;
                    }
                }
            });
            let total = before.len() + live.iter().map(Vec::len).sum::<usize>();
            let tiers = before.iter().chain(live.iter().flatten()).zip(1_u64..);
            let wanted = tiers
                .filter(|((tier, _), position)| *position > if *tier == Tier::High { marks.high } else { marks.medium })
                .count();
            for (follower, ordering) in followers.iter_mut().zip(ORDERINGS) {
                let yielded = take(follower, wanted, max).await;
                let expected = expected(&store, marks).await;
                assert!(expected.len() == wanted && wanted <= total);
                check(&expected, ordering, &yielded);
            }
            appended.await.unwrap();
        });
    }
}
