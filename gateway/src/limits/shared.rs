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
    pub(super) fn new(graph: Graph) -> Self {
        Self { graph, asked_again: AtomicI64::new(i64::MIN) }
    }

    /// Uses one. While Redis is away, whatever passes here passes.
    pub(super) async fn take(
        &self,
        kind: Kind,
        subject: Subject,
        budget: Budget,
        share: &Share,
        now: i64,
    ) -> Result<(), i64> {
        if self.asked_again.load(Ordering::Relaxed) > now {
            return Ok(());
        }
        let mut left = share.0.lock().await;
        if left.count > 0 && left.until > now {
            left.count -= 1;
            return Ok(());
        }
        let wanted = (budget.burst / PART).max(1);
        let name = format!("{}:{subject}", kind.name());
        match timeout(WITHIN, self.graph.grant(&name, budget.every_us, budget.burst, wanted)).await {
            Ok(Ok(Grant { granted: 0, wait_us })) => Err(wait_us),
            Ok(Ok(Grant { granted, .. })) => {
                *left = Left { count: granted - 1, until: now + GOOD_US };
                Ok(())
            }
            Ok(Err(_)) | Err(_) => {
                self.asked_again.store(now.saturating_add(PAUSE_US), Ordering::Relaxed);
                Ok(())
            }
        }
    }
}
