//! Recomputes the order, numbers, digests, chain and heads of a log.

use domain::Lane;
use event_store::{
    CommittedBatch, EventStore, Heads, Link, Linked, Position, RecordedEvent, Selection, first_chain, next_chain,
};
use std::{collections::HashMap, sync::Arc};

/// All events of a log, after checking it (I1, I6). Later appends are ignored: the server may still be at the last batch of a
/// killed process.
pub(crate) async fn audit(store: &EventStore) -> Vec<Linked> {
    let head = store.head().await.unwrap();
    let mut events = all(store).await;
    events.truncate(head.position as usize);
    assert_eq!(events.len(), head.position as usize, "the ledger reaches the last event");
    let mut sequences = HashMap::new();
    let mut scope_seqs = HashMap::new();
    let mut heads = Heads::new(store.partitions());
    let mut linked = Vec::with_capacity(events.len());
    for (position, event) in (1..).zip(events) {
        let record = &event.record;
        assert_eq!(record.position, position, "positions are dense");
        assert_eq!(record.digest, record.expected_digest(), "the digest of {position}");
        let sequence = sequences.entry(event.stream().unwrap()).or_insert(0);
        *sequence += 1;
        assert_eq!(record.sequence, *sequence, "the sequence of {position}");
        let scope_seq = scope_seqs.entry(record.scope).or_insert(0);
        *scope_seq += u64::from(record.event_type == "message.sent");
        assert_eq!(record.scope_seq, *scope_seq, "the scope_seq of {position}");
        let link = heads.advance(record.lane, position);
        linked.push(Linked { event, link });
    }
    audit_ledger(store, &linked).await;
    assert_eq!(head.heads, heads);
    linked
}

async fn audit_ledger(store: &EventStore, events: &[Linked]) {
    let (mut after, mut chain) = (0, first_chain(store.incarnation()));
    let mut heads = Heads::new(store.partitions());
    while after < events.len() as u64 {
        let rows = store.ledger(after, 500).await.unwrap();
        assert!(!rows.is_empty(), "the ledger goes on");
        for row in rows.into_iter().filter(|row| row.position <= events.len() as u64) {
            let batch = &events[after as usize..row.position as usize];
            chain = next_chain(&chain, batch.iter().map(|linked| &linked.event.record.digest));
            for linked in batch {
                heads.advance(linked.event.record.lane, linked.event.record.position);
            }
            assert_eq!((row.chain, &row.heads), (chain, &heads), "the ledger at {}", row.position);
            after = row.position;
        }
    }
}

/// The published events must equal the stored ones, with the links of the whole log.
pub(crate) fn audit_published(published: &[Arc<CommittedBatch>], log: &[Linked]) {
    let mut last = 0;
    for published in published.iter().flat_map(|batch| &batch.events) {
        let position = published.event.record.position;
        assert!(position > last, "batches come in commit order");
        last = position;
        let stored = &log[position as usize - 1];
        assert_eq!(published.event.record, stored.event.record);
        assert_eq!(published.link, stored.link, "the link of {position}");
    }
}

pub(crate) async fn all(store: &EventStore) -> Vec<Arc<RecordedEvent>> {
    let mut events: Vec<Arc<RecordedEvent>> = Vec::new();
    loop {
        let after: Position = events.last().map_or(0, |event| event.record.position);
        let page = store.read_after(after, &Selection::All, 700).await.unwrap();
        if page.is_empty() {
            return events;
        }
        events.extend(page);
    }
}

#[test]
fn a_link_names_the_positions_before_an_event() {
    use domain::{Partition, Tier};
    let lane = |tier, partition| Lane { tier, partition: Partition(partition) };
    let mut heads = Heads::new(2);
    assert_eq!(heads.advance(lane(Tier::High, 0), 1), Link::default());
    assert_eq!(heads.advance(lane(Tier::High, 1), 2), Link { lane: 0, tier: 1, high: 0 });
    assert_eq!(heads.advance(lane(Tier::Medium, 0), 3), Link { lane: 0, tier: 0, high: 1 });
    assert_eq!(heads.advance(lane(Tier::High, 0), 4), Link { lane: 1, tier: 2, high: 1 });
}
