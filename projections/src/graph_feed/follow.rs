//! Keeping an epoch up with the log.

use super::{FeedError, GraphFeedSettings, gaps};
use crate::worker::settled::Settled;
use broker::{Follower, Interest, Marks as Reached, Ordering};
use domain::{AggregateType, Lane, Partition, Tier};
use event_store::{OpenError, Position, ReadError, RecordedEvent};
use graph::{Change, Epoch, Graph, Marks, changes};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::time::{Instant, MissedTickBehavior, interval};

/// The most events of one step.
const BATCH: usize = 500;
/// How often a feeder looks whether its epoch is still the one that is read.
const LOOK: Duration = Duration::from_millis(500);
/// How often marks are saved, at most: what was applied after the last time is applied again by the next feeder.
const SAVE: Duration = Duration::from_millis(100);

/// Follows the log from `marks` on, until the epoch is gone, replaced, or has fallen back.
pub(super) async fn follow(settings: &GraphFeedSettings, epoch: &Epoch, marks: Marks) -> Result<(), FeedError> {
    let GraphFeedSettings { store, broker, graph, .. } = settings;
    let hints = broker.subscribe(Interest::Tiers { queue: "graph".to_owned(), tiers: Tier::DURABLE.to_vec() });
    let from: BTreeMap<_, _> = (0..store.partitions()).map(Partition).map(|n| (n, reached(&marks, n))).collect();
    let mut settled = Settled::new(store.head().await?, &from);
    let mut follower = Follower::new(store.clone(), hints, Ordering::Partition, from);
    let mut saved = marks;
    let mut saved_at = Instant::now();
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            _ = look.tick() => if !is_current(graph, epoch, &saved).await? { return Ok(()) },
            events = follower.next(BATCH) => {
                let events = events?;
                epoch.apply_all(&told(settings, &events).await?).await?;
                settled.applied(events.iter().map(|event| event.record.position), follower.marks());
            }
        }
        let marks = marks_of(&follower, &settled);
        if marks != saved && saved_at.elapsed() >= SAVE {
            // Marks that are saved over older ones than were saved before would hide what Redis has lost.
            if !is_current(graph, epoch, &saved).await? {
                return Ok(());
            }
            epoch.save_marks(&marks).await?;
            (saved, saved_at) = (marks, Instant::now());
        }
    }
}

/// Whether the epoch is still read, and has all that was applied: Redis may have been flushed, or may have gone back
/// to an older state when it failed over or restarted.
async fn is_current(graph: &Graph, epoch: &Epoch, saved: &Marks) -> Result<bool, FeedError> {
    match graph.epoch().await? {
        Some(current) if current.number() == epoch.number() => {
            let is_whole = epoch.marks().await?.reach(saved);
            if !is_whole {
                tracing::warn!(epoch = epoch.number(), "The graph has fallen back, and is fed from there");
            }
            Ok(is_whole)
        }
        Some(current) => {
            tracing::info!(epoch = epoch.number(), current = current.number(), "The graph was replaced");
            Ok(false)
        }
        None => {
            tracing::warn!(epoch = epoch.number(), "The graph is gone, and is made anew");
            Ok(false)
        }
    }
}

/// What the events change. One that cannot be opened changes nothing here: it is parked by the projections, and the next
/// filling has what became of it; one that another build may open is written down for that.
pub(super) async fn told(
    settings: &GraphFeedSettings,
    events: &[Arc<RecordedEvent>],
) -> Result<Vec<(Position, Change)>, FeedError> {
    let mut told = Vec::new();
    for event in events.iter().filter(|event| is_told_of(event)) {
        let record = &event.record;
        match settings.store.open_event(event).await {
            Ok(opened) => {
                told.extend(changes(opened, record.aggregate_id).into_iter().map(|change| (record.position, change)));
            }
            Err(error @ OpenError::Read(ReadError::Unavailable(_))) => return Err(error.into()),
            Err(error) if error.is_for_another_build() => {
                tracing::warn!(event.position = record.position, error.cause = %error, "The graph lacks an event for now");
                gaps::note(settings, record.position).await?;
            }
            Err(error) => {
                tracing::warn!(event.position = record.position, error.cause = %error, "The graph lacks an event");
            }
        }
    }
    Ok(told)
}

fn is_told_of(event: &RecordedEvent) -> bool {
    let aggregate = AggregateType::parse(&event.record.aggregate_type);
    matches!(aggregate, Some(AggregateType::Friendship | AggregateType::Conversation))
}

fn reached(marks: &Marks, partition: Partition) -> Reached {
    let mark = |tier| marks.lanes.get(&Lane { tier, partition }).copied().unwrap_or_default();
    Reached { high: mark(Tier::High), medium: mark(Tier::Medium) }
}

fn marks_of(follower: &Follower, settled: &Settled) -> Marks {
    let lanes = follower.marks().iter().flat_map(|(partition, reached)| {
        let lane = |tier| Lane { tier, partition: *partition };
        [(lane(Tier::High), reached.high), (lane(Tier::Medium), reached.medium)]
    });
    Marks { lanes: lanes.collect(), settled: settled.position() }
}
