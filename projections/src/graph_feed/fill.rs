//! Fills an epoch from the read models.
//!
//! Marks first, then rows, which include at least the events below the marks. The log repeats later events from the
//! marks on; each relation ends up as its last event says.

use super::settings::{FeedError, GraphFeedSettings};
use crate::{
    Projection,
    checkpoint::{self, Checkpoints, mark},
};
use domain::{Lane, Partition, Tier};
use event_store::{Head, Position};
use graph::{Change, Epoch, Marks, Relation};
use queries::{MembershipRow, Queries, RelationRow};
use sql::query;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Rows per step.
const PAGE: u32 = 2_000;
/// The projections whose rows the graph is filled from.
const SOURCES: [Projection; 2] = [Projection::Friendships, Projection::Conversations];

/// In each partition, the position up to which the rows include all of its events.
struct Begin(BTreeMap<Partition, Position>);

/// Fills an epoch and publishes it. `None` if another one was published meanwhile, or a part of it was lost.
pub(super) async fn fill(settings: &GraphFeedSettings) -> Result<Option<(Epoch, Marks)>, FeedError> {
    let head = settings.store.head().await?;
    let before = checkpoints(settings).await?;
    let begin = Begin::new(&head, &before);
    let epoch = settings.graph.begin((settings.clock)()).await?;
    tracing::debug!(epoch = epoch.number(), "Filling the graph from the read models");
    let pairs = fill_pairs(settings, &epoch, &begin).await?;
    let memberships = fill_memberships(settings, &epoch, &begin).await?;
    // Read models that were emptied and rebuilt meanwhile have lost rows that `before` covered.
    let after = checkpoints(settings).await?;
    if !before.iter().all(|(key, before)| {
        let after = after.get(key).copied().unwrap_or_default().marks;
        after.high >= before.marks.high && after.medium >= before.marks.medium
    }) {
        return Err(FeedError::NotReady);
    }
    let lane = |tier, partition: &Partition| Lane { tier, partition: *partition };
    let lanes = begin.0.iter().flat_map(|(partition, at)| Tier::DURABLE.map(|tier| (lane(tier, partition), *at)));
    let marks = Marks { lanes: lanes.collect(), settled: begin.0.values().copied().min().unwrap_or_default() };
    epoch.save_marks(&marks).await?;
    if !epoch.publish().await? {
        tracing::info!(epoch = epoch.number(), "Another graph was published first, or this one was flushed");
        return Ok(None);
    }
    tracing::debug!(epoch = epoch.number(), pairs, memberships, "Filled the graph");
    Ok(Some((epoch, marks)))
}

/// The checkpoints of the sources, if they are complete and of this log.
async fn checkpoints(settings: &GraphFeedSettings) -> Result<Checkpoints, FeedError> {
    let mut tx = settings.database.begin_read().await?;
    let source = tx.fetch_optional(query("SELECT incarnation FROM source")).await?;
    let mut found = checkpoint::read(&mut tx).await?;
    drop(tx);
    found.retain(|(projection, _), _| SOURCES.contains(projection));
    let is_ours = source.map(|row| row.get::<Uuid>("incarnation")).transpose()? == Some(settings.store.incarnation());
    let is_complete = found.len() == SOURCES.len() * usize::from(settings.store.partitions());
    let furthest = found.values().map(|found| found.marks.high.max(found.marks.medium)).max().unwrap_or_default();
    if is_ours && is_complete && furthest <= settings.store.head().await?.position {
        Ok(found)
    } else {
        Err(FeedError::NotReady)
    }
}

impl Begin {
    /// `head` must be older than the checkpoints. A lane that has reached it has all of its events up to the head's
    /// position, whichever lane's event that is.
    fn new(head: &Head, checkpoints: &Checkpoints) -> Self {
        let mut begin = BTreeMap::new();
        for ((_, partition), checkpoint) in checkpoints {
            for tier in Tier::DURABLE {
                let mark = mark(checkpoint.marks, tier);
                let is_there = mark >= head.heads.lane(Lane { tier, partition: *partition });
                let mark = if is_there { mark.max(head.position) } else { mark };
                let least = begin.entry(*partition).or_insert(mark);
                *least = mark.min(*least);
            }
        }
        Self(begin)
    }

    fn of(&self, settings: &GraphFeedSettings, scope: Uuid) -> Position {
        self.0.get(&Partition::of(scope, settings.store.partitions())).copied().unwrap_or_default()
    }
}

async fn fill_pairs(settings: &GraphFeedSettings, epoch: &Epoch, begin: &Begin) -> Result<usize, FeedError> {
    let queries = Queries::new(settings.database.clone());
    let (mut after, mut filled) = (Uuid::nil(), 0);
    loop {
        let rows = queries.relations(after, PAGE).await?;
        let Some(last) = rows.last() else { return Ok(filled) };
        after = last.pair;
        filled += rows.len();
        let changes = rows.iter().flat_map(|row| {
            let at = begin.of(settings, row.pair);
            relations(row).map(move |relation| (at, Change { relation, holds: true }))
        });
        epoch.apply_all(&changes.collect::<Vec<_>>()).await?;
    }
}

/// The relations of a pair.
fn relations(row: &RelationRow) -> impl Iterator<Item = Relation> + use<> {
    let RelationRow { low, high, friends, blocked_by_low, blocked_by_high, .. } = *row;
    let friends = friends.then_some(Relation::friends(low, high));
    let by_low = blocked_by_low.then_some(Relation::Blocks { by: low, with: high });
    let by_high = blocked_by_high.then_some(Relation::Blocks { by: high, with: low });
    [friends, by_low, by_high].into_iter().flatten()
}

async fn fill_memberships(settings: &GraphFeedSettings, epoch: &Epoch, begin: &Begin) -> Result<usize, FeedError> {
    let queries = Queries::new(settings.database.clone());
    let mut after = MembershipRow { conversation: Uuid::nil().into(), user: Uuid::nil().into() };
    let mut filled = 0;
    loop {
        let rows = queries.memberships(after, PAGE).await?;
        let Some(last) = rows.last() else { return Ok(filled) };
        after = *last;
        filled += rows.len();
        let changes = rows.iter().map(|row| {
            let MembershipRow { conversation, user } = *row;
            let change = Change { relation: Relation::Member { conversation, user }, holds: true };
            (begin.of(settings, conversation.0), change)
        });
        epoch.apply_all(&changes.collect::<Vec<_>>()).await?;
    }
}
