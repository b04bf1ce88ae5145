//! A log, the process that writes it, and another one that follows it; or both in one.

use crate::{
    arms::{DEADLINE, Processes, soon},
    log::{Batches, Kind, PARTITIONS, append, check, expected, from, mixed, open},
};
use broker::{Broker, Faults, Follower, Interest, Marks, Ordering, Subscription, Traffic};
use domain::{Lane, Partition, Tier};
use event_store::{EventStore, Position, RecordedEvent};
use std::sync::Arc;
use testkit::Home;
use tokio::time::timeout;

pub(crate) const ORDERINGS: [Ordering; 2] = [Ordering::Partition, Ordering::Global];

/// Followers of each ordering, and what they were told.
pub(crate) struct Scene {
    pub(crate) store: EventStore,
    pub(crate) writer: Broker,
    pub(crate) reader: Broker,
    marks: Marks,
    max: usize,
    head: Position,
    /// How many events they have not yielded yet.
    owed: usize,
    followers: [Follower; 2],
    yielded: [Vec<Arc<RecordedEvent>>; 2],
    _home: Home,
}

/// What is in a log, and how it is followed.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// What is there before anybody follows.
    pub(crate) before: Vec<Kind>,
    pub(crate) marks: Marks,
    /// How many events are asked for at once.
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

    /// Appends some events and has them followed.
    pub(crate) async fn go_on(&mut self) {
        self.live(&[mixed(9)], async || ()).await;
    }

    /// Has the log followed while each of these is appended, and `disturb` done before.
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

    /// Goes on until most runs come to both followers again.
    pub(crate) async fn until_live(&mut self) {
        let live = async {
            loop {
                let (told, heard) = (self.writer.stats(), self.reader.stats());
                for _ in 0..4 {
                    self.go_on().await;
                }
                let (told_now, heard_now) = (self.writer.stats(), self.reader.stats());
                let is_live = |told: Traffic, told_now: Traffic, heard: Traffic, heard_now: Traffic| {
                    (heard_now.received - heard.received) * 4 >= (told_now.published - told.published) * 6
                };
                if is_live(told.high, told_now.high, heard.high, heard_now.high)
                    && is_live(told.medium, told_now.medium, heard.medium, heard_now.medium)
                {
                    return;
                }
            }
        };
        soon(live).await;
    }

    /// Goes on until it is so.
    pub(crate) async fn until(&mut self, what: &str, so: impl Fn(&Self) -> bool) {
        let waited = async {
            while !so(self) {
                self.go_on().await;
            }
        };
        assert!(timeout(DEADLINE, waited).await.is_ok(), "it never was {what}");
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

/// How many of `kinds`, which follow `head`, are after the marks.
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

/// As workers do, or as gateways do.
pub(crate) fn subscribe(broker: &Broker, ordering: Ordering) -> Subscription {
    let queue = "test".to_owned();
    broker.subscribe(match ordering {
        Ordering::Partition => Interest::Lanes { queue, lanes: lanes() },
        Ordering::Global => Interest::Tiers { queue, tiers: Tier::DURABLE.to_vec() },
    })
}

pub(crate) fn lanes() -> Vec<Lane> {
    let partitions = (0..PARTITIONS).map(Partition);
    partitions.flat_map(|partition| Tier::DURABLE.map(|tier| Lane { tier, partition })).collect()
}

pub(crate) fn follow(store: &EventStore, broker: &Broker, ordering: Ordering, marks: Marks) -> Follower {
    Follower::new(store.clone(), subscribe(broker, ordering), ordering, from(marks))
}

/// The same, once all that is published from now on reaches it.
pub(crate) async fn follow_live(store: &EventStore, broker: &Broker, ordering: Ordering, marks: Marks) -> Follower {
    let hints = subscribe(broker, ordering);
    soon(hints.ready()).await;
    Follower::new(store.clone(), hints, ordering, from(marks))
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
