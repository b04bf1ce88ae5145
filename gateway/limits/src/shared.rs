//! One budget for all nodes: kept in Redis, and taken from it a share at a time.

use super::{Budget, Kind, Subject};
use graph::{Grant, Graph};
use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};
use tokio::{sync::Mutex, time::timeout};

/// A share is this part of a budget's burst.
const PART: u32 = 32;
/// What is left of a share is void after so many microseconds.
const GOOD_US: i64 = 1_000_000;
/// How long Redis may take to answer.
const WITHIN: Duration = Duration::from_millis(100);
/// How long Redis is not asked after it failed, in microseconds.
const PAUSE_US: i64 = 1_000_000;

/// The common budgets.
pub(super) struct Shared {
    graph: Graph,
    asked_again: AtomicI64,
}

/// What this node may still use of what it took.
#[derive(Debug, Default)]
pub(super) struct Share(Mutex<Left>);

#[derive(Debug, Default)]
struct Left {
    count: u32,
    until: i64,
}

impl Shared {
    pub(crate) fn new(graph: Graph) -> Self {
        Self { graph, asked_again: AtomicI64::new(i64::MIN) }
    }

    /// Uses `cost`. While Redis is away, whatever passes here passes.
    pub(super) async fn take(
        &self,
        kind: Kind,
        subject: Subject,
        budget: Budget,
        cost: u32,
        share: &Share,
        now: i64,
    ) -> Result<(), i64> {
        if self.asked_again.load(Ordering::Relaxed) > now {
            return Ok(());
        }
        let mut left = share.0.lock().await;
        // An earlier request may have found that Redis is unavailable.
        if self.asked_again.load(Ordering::Relaxed) > now {
            return Ok(());
        }
        let cost = cost.min(budget.burst);
        if left.count >= cost && left.until > now {
            left.count -= cost;
            return Ok(());
        }
        let kept = if left.until > now { left.count } else { 0 };
        let wanted = (budget.burst / PART).max(cost - kept);
        let name = format!("{}:{subject}", kind.name());
        match timeout(WITHIN, self.graph.grant(&name, budget.every_us, budget.burst, wanted)).await {
            Ok(Ok(Grant { granted, wait_us })) => {
                let count = kept.saturating_add(granted);
                *left = Left { count, until: now + GOOD_US };
                match count.checked_sub(cost) {
                    Some(rest) => {
                        left.count = rest;
                        Ok(())
                    }
                    None => Err(wait_us.max(i64::from(budget.every_us) * i64::from(cost - count))),
                }
            }
            Ok(Err(_)) | Err(_) => {
                self.asked_again.store(now.saturating_add(PAUSE_US), Ordering::Relaxed);
                Ok(())
            }
        }
    }
}
