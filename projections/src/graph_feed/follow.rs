//! Keeps an epoch current with the log.

use super::{
    changes::{changes_of, is_relevant},
    gaps,
    settings::{FeedError, GraphFeedSettings},
};
use crate::worker::settled::Settled;
use broker::{CatchUpSubscription, Interest, Marks as Reached, Ordering, Wake};
use domain::{Lane, Partition, Tier};
use graph::{Epoch, Graph, Marks};
use std::{collections::BTreeMap, time::Duration};
use tokio::time::{Instant, MissedTickBehavior, interval};

/// The most events per step.
const BATCH: usize = 500;
/// How often a feeder checks that its epoch is still the published one.
const CHECK_EPOCH: Duration = Duration::from_millis(500);
/// The least time between saved marks; the next feeder applies events after the last ones again.
const SAVE: Duration = Duration::from_millis(100);

/// Follows the log from `marks` on, until the epoch is gone, replaced, or has fallen back.
pub(super) async fn follow(settings: &GraphFeedSettings, epoch: &Epoch, marks: Marks) -> Result<(), FeedError> {
    let GraphFeedSettings { store, broker, graph, .. } = settings;
    let tiers = Tier::DURABLE.to_vec();
    let notifications = broker.subscribe(Interest::Tiers { tiers, wake: Wake::For(is_relevant) });
    let from: BTreeMap<_, _> = (0..store.partitions()).map(Partition).map(|n| (n, reached(&marks, n))).collect();
    let mut settled = Settled::new(store.head().await?, &from);
    let mut subscription = CatchUpSubscription::new(store.clone(), notifications, Ordering::Partition, from);
    let mut gap = gaps::first(settings).await?;
    let mut saved = marks;
    let mut saved_at = Instant::now();
    let mut look = interval(CHECK_EPOCH);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            _ = look.tick() => if !is_current(graph, epoch, &saved).await? { return Ok(()) },
            events = subscription.next(BATCH) => {
                let events = events?;
                let found = changes_of(settings, &events).await?;
                gap = [gap, found.gap].into_iter().flatten().min();
                epoch.apply_all(&found.changes).await?;
                settled.applied(events.iter().map(|event| event.record.position), subscription.marks());
                if settled.is_long() {
                    settled.restart(store.head().await?, subscription.marks());
                }
            }
        }
        let marks = marks_of(&subscription, &settled);
        if marks != saved && saved_at.elapsed() >= SAVE {
            // Saving marks over older ones than saved before would hide a loss in Redis.
            if !is_current(graph, epoch, &saved).await? {
                return Ok(());
            }
            epoch.save_marks(&marks).await?;
            // A gap that another build will apply must still find the ended relations after it.
            let floor = gap.map_or(marks.settled, |gap| marks.settled.min(gap.saturating_sub(1)));
            epoch.forget_ended(floor).await?;
            (saved, saved_at) = (marks, Instant::now());
        }
    }
}

/// Whether the epoch is still published and has everything applied. Redis may have been flushed, or have returned to an
/// older state after a failover or restart.
async fn is_current(graph: &Graph, epoch: &Epoch, saved: &Marks) -> Result<bool, FeedError> {
    match graph.epoch().await? {
        Some(current) if current.number() == epoch.number() => {
            let is_whole = epoch.marks().await?.reach(saved);
            if !is_whole {
                tracing::warn!(
                    epoch = epoch.number(),
                    "The graph has fallen back to an older state; feeding continues from there"
                );
            }
            Ok(is_whole)
        }
        Some(current) => {
            tracing::info!(epoch = epoch.number(), current = current.number(), "Another feeder replaced the graph");
            Ok(false)
        }
        None => {
            tracing::warn!(epoch = epoch.number(), "The graph is gone and is filled again");
            Ok(false)
        }
    }
}

fn reached(marks: &Marks, partition: Partition) -> Reached {
    let mark = |tier| marks.lanes.get(&Lane { tier, partition }).copied().unwrap_or_default();
    Reached { high: mark(Tier::High), medium: mark(Tier::Medium) }
}

fn marks_of(subscription: &CatchUpSubscription, settled: &Settled) -> Marks {
    let lanes = subscription.marks().iter().flat_map(|(partition, reached)| {
        let lane = |tier| Lane { tier, partition: *partition };
        [(lane(Tier::High), reached.high), (lane(Tier::Medium), reached.medium)]
    });
    Marks { lanes: lanes.collect(), settled: settled.position() }
}
