//! A real log with events on all lanes, and the check of the events a catch-up subscription yields.

use broker::{Marks, Ordering};
use domain::{
    AggregateType, ConversationId, Event, Partition, Tier, Timestamp, UserId,
    message::MessageEvent,
    session::{EndReason, SessionEvent},
};
use event_store::{
    Append, CommandKey, CommittedBatch, EventStore, Keys, NewEvent, Origin, Position, RecordedEvent, Retention,
    Settings, StreamId,
};
use std::{collections::BTreeMap, sync::Arc};
use testkit::Home;
use tokio::sync::mpsc;
use uuid::Uuid;

pub(crate) const PARTITIONS: u16 = 4;

pub(crate) type Batches = mpsc::Receiver<Arc<CommittedBatch>>;

/// An event to append: its tier, and one of some scopes.
pub(crate) type Kind = (Tier, u8);

pub(crate) async fn open(home: &Home) -> (EventStore, Batches) {
    let settings = Settings {
        location: home.log(),
        connections: 4,
        partitions: PARTITIONS,
        keys: Keys { master: [7; 32] },
        clock: || Timestamp::from_millis(1_795_460_818_120),
    };
    EventStore::open(settings).await.unwrap()
}

/// Appends a stream of its own for each event, all in one command.
pub(crate) async fn append(store: &EventStore, kinds: &[Kind]) {
    let head = store.head().await.unwrap().position;
    let fresh = |index: usize| Uuid::from_u128(u128::from(head) << 64 | index as u128 | 1 << 127);
    let events = kinds.iter().enumerate().map(|(index, (tier, scope))| {
        let (id, scope) = (fresh(index), Uuid::from_u128(u128::from(*scope) + 1));
        let (aggregate, event): (_, Event) = match tier {
            Tier::High => {
                let ended = SessionEvent::Ended { user: UserId(scope), reason: EndReason::Logout };
                (AggregateType::Session, ended.into())
            }
            _ => {
                let deleted = MessageEvent::Deleted { conversation: ConversationId(scope), by: UserId::default() };
                (AggregateType::Message, deleted.into())
            }
        };
        NewEvent { stream: StreamId::new(aggregate, id), sequence: 1, event }
    });
    let append = Append {
        origin: Origin::default(),
        key: CommandKey { owner: "test".to_owned(), key: fresh(0).to_string() },
        request_hash: [0; 32],
        retention: Retention::Week,
        tier: Tier::High,
        guards: vec![],
        claims: vec![],
        secrets: vec![],
        events: events.collect(),
    };
    store.append(append).await.unwrap();
}

/// `count` events over all lanes.
pub(crate) fn mixed(count: usize) -> Vec<Kind> {
    (0..count).map(|n| (if n % 3 == 0 { Tier::Medium } else { Tier::High }, (n % 11) as u8)).collect()
}

pub(crate) fn from(marks: Marks) -> BTreeMap<Partition, Marks> {
    (0..PARTITIONS).map(|partition| (Partition(partition), marks)).collect()
}

/// The positions after `marks`, which a catch-up subscription must yield.
pub(crate) async fn expected(store: &EventStore, marks: Marks) -> Vec<Position> {
    let events = store.read_after(0, &event_store::Selection::All, u32::MAX).await.unwrap();
    let after = |tier| if tier == Tier::High { marks.high } else { marks.medium };
    let records = events.iter().map(|event| &event.record);
    records.filter(|record| record.position > after(record.lane.tier)).map(|record| record.position).collect()
}

/// Checks that each expected event occurs once, and none before one it waits for.
pub(crate) fn check(expected: &[Position], ordering: Ordering, yielded: &[Arc<RecordedEvent>]) {
    let mut positions: Vec<_> = yielded.iter().map(|event| event.record.position).collect();
    for (index, event) in yielded.iter().enumerate() {
        for later in &yielded[index + 1..] {
            assert!(!waits_for(ordering, event, later), "{} waits for {}", positions[index], later.record.position);
        }
    }
    positions.sort_unstable();
    assert_eq!(positions, expected, "each event once");
}

fn waits_for(ordering: Ordering, event: &RecordedEvent, before: &RecordedEvent) -> bool {
    let (lane, other) = (event.record.lane, before.record.lane);
    before.record.position < event.record.position
        && (ordering == Ordering::Global || lane.partition == other.partition)
        && (lane.tier == Tier::Medium || other.tier == Tier::High)
}
