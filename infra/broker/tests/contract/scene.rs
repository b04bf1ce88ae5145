//! A log, a process that writes it, and another one that reads it; or both in one.

use crate::{
    arms::{DEADLINE, Processes, soon},
    log::{Batches, Kind, PARTITIONS, append, check, expected, from, mixed, open},
};
use broker::{Broker, CatchUpSubscription, Faults, Interest, Marks, Ordering, Subscription, Traffic, Wake};
use domain::{Lane, Partition, Tier};
use event_store::{EventStore, Position, RecordedEvent};
use std::sync::Arc;
use testkit::Home;
use tokio::time::timeout;

pub(crate) const ORDERINGS: [Ordering; 2] = [Ordering::Partition, Ordering::Global];

/// Catch-up subscriptions of each ordering, and the events they yielded.
pub(crate) struct Scene {
    pub(crate) store: EventStore,
    pub(crate) writer: Broker,
    pub(crate) reader: Broker,
    marks: Marks,
    max: usize,
    head: Position,
    /// The number of events they have not yielded yet.
    owed: usize,
    followers: [CatchUpSubscription; 2],
    yielded: [Vec<Arc<RecordedEvent>>; 2],
    _home: Home,
}

/// The contents of a log, and how it is read.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// The events before the subscriptions.
    pub(crate) before: Vec<Kind>,
    pub(crate) marks: Marks,
    /// The most events of a batch.
    pub(crate) max: usize,
}

impl Scene {
    pub(crate) async fn new(home: Home, [writer, reader]: [Broker; 2], case: &Case) -> Self {
        let (store, batches) = open(&home).await;
        pump(batches, writer.clone());
        let Case { before, marks, max } = case;
        let (marks, max) = (*marks, *max);
        if !before.is_empty() {
            append(&store, before).await;
        }
        let followers = ORDERINGS.map(|ordering| follow(&store, &reader, ordering, marks));
        let owed = after(marks, before, 0);
        let (head, yielded) = (before.len() as Position, [vec![], vec![]]);
        Self { store, writer, reader, marks, max, head, owed, followers, yielded, _home: home }
    }

    /// Appends some events and reads them.
    pub(crate) async fn go_on(&mut self) {
        self.live(&[mixed(9)], async || ()).await;
    }

    /// Reads the log while each of these is appended, with `disturb` before each.
    pub(crate) async fn live(&mut self, live: &[Vec<Kind>], mut disturb: impl AsyncFnMut()) {
        let all = live.concat();
        let wanted = std::mem::take(&mut self.owed) + after(self.marks, &all, self.head);
        self.head += all.len() as Position;
        let appending = async {
            for kinds in live {
                disturb().await;
                append(&self.store, kinds).await;
            }
        };
        let [one, two] = &mut self.followers;
        let ((), one, two) = tokio::join!(appending, take(one, wanted, self.max), take(two, wanted, self.max));
        for (yielded, more) in self.yielded.iter_mut().zip([one, two]) {
            yielded.extend(more);
        }
    }

    /// Continues until most runs reach both subscriptions again.
    pub(crate) async fn until_live(&mut self) {
        let live = async {
            loop {
                let (sent, received) = (self.writer.stats(), self.reader.stats());
                for _ in 0..4 {
                    self.go_on().await;
                }
                let (sent_now, received_now) = (self.writer.stats(), self.reader.stats());
                let is_live = |sent: Traffic, sent_now: Traffic, received: Traffic, received_now: Traffic| {
                    (received_now.received - received.received) * 4 >= (sent_now.published - sent.published) * 6
                };
                if is_live(sent.high, sent_now.high, received.high, received_now.high)
                    && is_live(sent.medium, sent_now.medium, received.medium, received_now.medium)
                {
                    return;
                }
            }
        };
        soon(live).await;
    }

    /// Continues until the condition is met.
    pub(crate) async fn until(&mut self, what: &str, so: impl Fn(&Self) -> bool) {
        let waited = async {
            while !so(self) {
                self.go_on().await;
            }
        };
        assert!(timeout(DEADLINE, waited).await.is_ok(), "timed out: {what}");
    }

    pub(crate) async fn check(self) {
        let expected = expected(&self.store, self.marks).await;
        for (ordering, yielded) in ORDERINGS.into_iter().zip(&self.yielded) {
            check(&expected, ordering, yielded);
        }
    }
}

impl Case {
    /// An empty log.
    pub(crate) fn new() -> Self {
        Self { before: vec![], marks: Marks::default(), max: 100 }
    }
}

/// The number of `kinds`, which follow `head`, after the marks.
fn after(marks: Marks, kinds: &[Kind], head: Position) -> usize {
    let mark = |tier| if tier == Tier::High { marks.high } else { marks.medium };
    kinds.iter().zip(head + 1..).filter(|((tier, _), position)| *position > mark(*tier)).count()
}

/// The brokers of a process that writes and of one that reads. Faults are those of lanes within one process.
pub(crate) async fn writer_and_reader(home: &Home, capacity: usize, faults: Faults) -> [Broker; 2] {
    if home.rabbitmq_url().is_none() {
        let broker = Broker::in_process_with(capacity, faults);
        return [broker.clone(), broker];
    }
    let processes = Processes::of(home).with_capacity(capacity);
    [processes.join_up().await, processes.join_up().await]
}

/// Hands every committed batch to the broker, as the server does.
pub(crate) fn pump(mut batches: Batches, broker: Broker) {
    tokio::spawn(async move {
        while let Some(batch) = batches.recv().await {
            broker.publish(&batch);
        }
    });
}

/// Subscribes as workers do, or as gateways do.
pub(crate) fn subscribe(broker: &Broker, ordering: Ordering) -> Subscription {
    broker.subscribe(match ordering {
        Ordering::Partition => Interest::Lanes { queue: "test".to_owned(), lanes: lanes() },
        Ordering::Global => Interest::Tiers { tiers: Tier::DURABLE.to_vec(), wake: Wake::Always },
    })
}

pub(crate) fn lanes() -> Vec<Lane> {
    let partitions = (0..PARTITIONS).map(Partition);
    partitions.flat_map(|partition| Tier::DURABLE.map(|tier| Lane { tier, partition })).collect()
}

pub(crate) fn follow(store: &EventStore, broker: &Broker, ordering: Ordering, marks: Marks) -> CatchUpSubscription {
    CatchUpSubscription::new(store.clone(), subscribe(broker, ordering), ordering, from(marks))
}

/// Does the same, and waits until it receives all runs published from now on.
pub(crate) async fn follow_live(
    store: &EventStore,
    broker: &Broker,
    ordering: Ordering,
    marks: Marks,
) -> CatchUpSubscription {
    let notifications = subscribe(broker, ordering);
    soon(notifications.ready()).await;
    CatchUpSubscription::new(store.clone(), notifications, ordering, from(marks))
}

/// Takes `count` further events.
pub(crate) async fn take(follower: &mut CatchUpSubscription, count: usize, max: usize) -> Vec<Arc<RecordedEvent>> {
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
