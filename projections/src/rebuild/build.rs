//! Fills read models from the log, in position order.

use crate::{
    Error, Projection,
    apply::Applier,
    checkpoint::{Checkpoints, mark},
};
use domain::{Partition, Tier, Timestamp};
use event_store::{EventStore, Position, Selection};
use sql::Database;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Events per page and transaction.
const PAGE: u32 = 1_000;

/// A filling of read models.
#[derive(Clone)]
pub(crate) struct Build {
    pub(crate) store: EventStore,
    pub(crate) database: Database,
    pub(crate) projections: Vec<Projection>,
    pub(crate) clock: fn() -> Timestamp,
    pub(crate) jobs: u16,
    /// Only the events of this scope.
    pub(crate) scope: Option<Uuid>,
    pub(crate) pace: Arc<Pace>,
    pub(crate) token: CancellationToken,
}

/// The rate limit and the progress report.
pub(crate) struct Pace {
    begun: Instant,
    max_rate: Option<u32>,
    done: AtomicU64,
    report: Box<dyn Fn(u64) + Send + Sync>,
}

impl Pace {
    pub(crate) fn new(max_rate: Option<u32>, report: Box<dyn Fn(u64) + Send + Sync>) -> Self {
        Self { begun: Instant::now(), max_rate, done: AtomicU64::new(0), report }
    }

    /// Counts events read, and pauses if the rate is exceeded.
    async fn count(&self, events: u64) {
        let done = self.done.fetch_add(events, Ordering::Relaxed) + events;
        (self.report)(done);
        if let Some(rate) = self.max_rate {
            let due = Duration::from_secs_f64(done as f64 / f64::from(rate.max(1)));
            tokio::time::sleep_until(self.begun + due).await;
        }
    }
}

impl Build {
    /// Applies everything up to `until`, partitions spread over the jobs. Continues a build that was stopped.
    pub(crate) async fn run(&self, until: &Checkpoints) -> Result<(), Error> {
        let partitions: Vec<_> = (0..self.store.partitions()).map(Partition).collect();
        let jobs = usize::from(self.jobs.max(1)).min(partitions.len());
        let mut running = JoinSet::new();
        for job in 0..jobs {
            let share: Vec<_> = partitions.iter().copied().skip(job).step_by(jobs).collect();
            let (build, until) = (self.clone(), until.clone());
            running.spawn(async move { build.fill(share, until).await });
        }
        while let Some(done) = running.join_next().await {
            done.map_err(|error| Error::Died(error.to_string()))??;
        }
        Ok(())
    }

    async fn fill(self, partitions: Vec<Partition>, until: Checkpoints) -> Result<(), Error> {
        let Self { store, database, projections, clock, .. } = &self;
        let mut applier = Applier::load(store.clone(), database.clone(), projections, &partitions, *clock).await?;
        let Some((mut after, last)) = range(&applier, &until) else { return Ok(()) };
        applier.until(until);
        let selection = if partitions.len() == usize::from(store.partitions()) {
            Selection::All
        } else {
            Selection::Partitions(partitions.iter().map(|partition| partition.0).collect())
        };
        while after < last {
            if self.token.is_cancelled() {
                return Err(Error::Stopped);
            }
            let mut events = store.read_after(after, &selection, PAGE).await?;
            events.retain(|event| event.record.position <= last);
            let through = events.last().filter(|_| events.len() == PAGE as usize);
            after = through.map_or(last, |event| event.record.position);
            let read = events.len() as u64;
            events.retain(|event| self.scope.is_none_or(|scope| scope == event.record.scope));
            applier.apply_through(&events, after).await?;
            self.pace.count(read).await;
        }
        Ok(())
    }
}

/// The range of the log to read, start excluded; `None` if everything is applied.
fn range(applier: &Applier, until: &Checkpoints) -> Option<(Position, Position)> {
    let mut range: Option<(Position, Position)> = None;
    for (key, now) in applier.checkpoints() {
        for tier in Tier::DURABLE {
            let end = until.get(key).map_or(0, |until| mark(until.marks, tier));
            let begin = mark(now.marks, tier);
            if begin < end {
                let (after, last) = range.unwrap_or((begin, end));
                range = Some((after.min(begin), last.max(end)));
            }
        }
    }
    range
}
