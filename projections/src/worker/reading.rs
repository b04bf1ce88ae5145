//! Follows some partitions from their checkpoints: new events, and parked ones that are due.

use super::{
    Progress, aside::SOON, pace::Pace, parking::Counters, pauses::Pauses, settings::WorkerSettings, settled::Settled,
};
use crate::{
    Error, ParkedId, Projection,
    apply::Applier,
    checkpoint,
    parked::{self, BackOff, Left},
};
use broker::{Broker, CatchUpSubscription, Interest, Ordering, Retry, RetrySubscription};
use domain::{Lane, Partition, Tier};
use event_store::{EventStore, ReadError, RecordedEvent};
use metrics::histogram;
use sql::Database;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::time::{Instant, Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::Span;

/// The most events per transaction.
const BATCH: usize = 500;
/// The pause between reads of the parked events that are due, independent of the broker.
const LOOK: Duration = Duration::from_secs(1);
/// The most retries of a look, and the number of released events that ends it: new events wait for a look.
const RETRIES: usize = 8;
const ENOUGH: u64 = 50;

/// The subscription and the state of the followed partitions.
pub(super) struct Reading {
    partitions: usize,
    store: EventStore,
    database: Database,
    broker: Broker,
    back_off: BackOff,
    subscription: CatchUpSubscription,
    retries: RetrySubscription,
    look: Interval,
    /// The parked event of another build after which to continue; `None` once all were tried.
    others: Option<Option<ParkedId>>,
    applier: Applier,
    settled: Option<BTreeMap<Projection, Settled>>,
    progress: Progress,
    pace: Pace,
    counters: Arc<Counters>,
}

/// The next thing to do.
pub(super) enum Turn {
    Events(Vec<Arc<RecordedEvent>>),
    /// The broker reports that this event is due.
    Retry(Retry),
    /// The next look for due events.
    Look,
}

impl Reading {
    pub(super) async fn begin(
        settings: &WorkerSettings,
        back_off: BackOff,
        partitions: Vec<Partition>,
        progress: Progress,
    ) -> Result<Self, Error> {
        let WorkerSettings { store, broker, database, clock, build, .. } = settings;
        let lanes =
            partitions.iter().flat_map(|partition| Tier::DURABLE.map(|tier| Lane { tier, partition: *partition }));
        let notifications =
            broker.subscribe(Interest::Lanes { queue: "projections".to_owned(), lanes: lanes.collect() });
        let retries = broker.subscribe_retries(partitions.iter().copied().collect());
        let mut applier = Applier::load(store.clone(), database.clone(), &Projection::ALL, &partitions, *clock).await?;
        applier.back_off(back_off);
        applier.of_build(build);
        let settled = if partitions.len() == usize::from(store.partitions()) {
            let head = store.head().await?;
            let begin = |projection| {
                let marks = applier.marks_of(projection);
                (!marks.is_empty()).then(|| (projection, Settled::new(head.clone(), &marks)))
            };
            Some(Projection::ALL.into_iter().filter_map(begin).collect())
        } else {
            None
        };
        let subscription = CatchUpSubscription::new(store.clone(), notifications, Ordering::Partition, applier.marks());
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (store, database, broker) = (store.clone(), database.clone(), broker.clone());
        let (partitions, others) = (partitions.len(), Some(None));
        Ok(Self {
            partitions,
            store,
            database,
            broker,
            back_off,
            subscription,
            retries,
            look,
            others,
            applier,
            settled,
            counters: progress.counters(),
            progress,
            pace: Pace::default(),
        })
    }

    /// Per projection, the position up to which everything is applied; `None` if other workers follow some partitions.
    pub(super) fn settled(&self) -> Option<BTreeMap<Projection, u64>> {
        let settled = self.settled.as_ref()?;
        Some(settled.iter().map(|(projection, settled)| (*projection, settled.position())).collect())
    }

    /// Waits for something to do. Cancel-safe. Under load, each kind gets its turn.
    pub(super) async fn turn(&mut self) -> Result<Turn, ReadError> {
        let Self { pace, progress, subscription, retries, look, .. } = self;
        let events = async {
            pace.wait(progress).await;
            subscription.next(BATCH).await
        };
        tokio::select! {
            events = events => Ok(Turn::Events(events?)),
            Some(retry) = retries.next() => Ok(Turn::Retry(retry)),
            _ = look.tick() => Ok(Turn::Look),
        }
    }

    /// Handles a turn. Returns whether there is progress to publish.
    pub(super) async fn act(&mut self, turn: Turn, token: &CancellationToken) -> Result<bool, Error> {
        let done = match turn {
            Turn::Events(events) => return self.apply(&events, token).await,
            Turn::Look => self.look().await,
            Turn::Retry(Retry { consumer, partition, position }) => match consumer.parse() {
                Ok(projection) => self.retry(ParkedId { projection, position }, partition).await.map(|_| ()),
                Err(_) => Ok(()),
            },
        };
        match done {
            Err(error) if error.is_temporary() => {
                tracing::debug!(%error, "Parked events could not be retried; the next look retries them");
                Ok(false)
            }
            done => done.map(|()| false),
        }
    }

    /// Applies a batch, and retries while an engine is unavailable. Returns whether it was applied; not if cancelled.
    async fn apply(&mut self, events: &[Arc<RecordedEvent>], token: &CancellationToken) -> Result<bool, Error> {
        self.pace.begin();
        let (mut pauses, began, _spans) = (Pauses::default(), Instant::now(), spans(events));
        while let Err(error) = self.applier.apply(events).await {
            if !error.is_temporary() {
                return Err(error);
            }
            if error.is_lock_timeout() && self.partitions > 1 && checkpoint::is_open(&self.database).await? {
                let blocked = self.apply_each_partition(events).await?;
                if blocked.is_empty() {
                    break;
                }
                if blocked.len() < self.partitions {
                    return Err(Error::Blocked(blocked));
                }
            }
            tracing::warn!(%error, events = events.len(), "A batch could not be applied; trying again");
            pauses.next(token).await;
            if token.is_cancelled() {
                return Ok(false);
            }
        }
        histogram!("chatchit_projection_batch_size").record(f64::from(u32::try_from(events.len()).unwrap_or(u32::MAX)));
        histogram!("chatchit_projection_batch_seconds").record(began.elapsed());
        for (id, partition) in self.applier.take_parked() {
            self.schedule_retry(id, partition, self.back_off[0]);
        }
        for (projection, settled) in self.settled.iter_mut().flatten() {
            let positions = events.iter().map(|event| event.record.position);
            let marks = self.applier.marks_of(*projection);
            settled.applied(positions, &marks);
            // Without the log's head, it stays as it is.
            if settled.is_long()
                && let Ok(head) = self.store.head().await
            {
                settled.restart(head, &marks);
            }
        }
        Ok(true)
    }

    /// Applies a batch partition by partition, so that a partition whose rows another session holds does not delay the
    /// others. Returns the partitions held up.
    async fn apply_each_partition(&mut self, events: &[Arc<RecordedEvent>]) -> Result<BTreeSet<Partition>, Error> {
        let mut each: BTreeMap<Partition, Vec<Arc<RecordedEvent>>> = BTreeMap::new();
        for event in events {
            each.entry(event.record.lane.partition).or_default().push(Arc::clone(event));
        }
        let mut blocked = BTreeSet::new();
        self.applier.patience(Some(SOON));
        for (partition, events) in each {
            match self.applier.apply(&events).await {
                Err(error) if error.is_lock_timeout() => {
                    blocked.insert(partition);
                }
                Err(error) => {
                    self.applier.patience(None);
                    return Err(error);
                }
                Ok(()) => (),
            }
        }
        self.applier.patience(None);
        Ok(blocked)
    }

    /// Retries due events and counts parked ones.
    async fn look(&mut self) -> Result<(), Error> {
        let due = self.applier.due(RETRIES).await?;
        let mut applied = 0;
        for (id, partition) in &due {
            applied += self.retry(*id, *partition).await?;
            if applied >= ENOUGH {
                break;
            }
        }
        if due.len() == RETRIES || applied >= ENOUGH || self.look_at_others().await? {
            self.look.reset_immediately();
        }
        if self.applier.has_parked() || self.counters.read().parked > 0 {
            self.counters.parked(parked::count(&self.database).await?);
        }
        Ok(())
    }

    /// Retries parked events of other builds, each once. Returns whether there may be more.
    async fn look_at_others(&mut self) -> Result<bool, Error> {
        let Some(after) = self.others else { return Ok(false) };
        let others = self.applier.of_other_builds(after, RETRIES).await?;
        for (id, partition) in &others {
            self.retry(*id, *partition).await?;
            self.others = Some(Some(*id));
        }
        if others.len() < RETRIES {
            self.others = None;
        }
        Ok(self.others.is_some())
    }

    /// Retries a parked event if it is due. Returns the number of events released.
    async fn retry(&mut self, id: ParkedId, partition: Partition) -> Result<u64, Error> {
        let Some(released) = self.applier.retry(id, partition).await? else { return Ok(0) };
        self.counters.retried();
        tracing::info!(%id, applied = released.through, "Retried a parked event");
        match released.left {
            Left::Nothing | Left::Unreadable | Left::Unchanged => (),
            Left::More(_) => self.look.reset_immediately(),
            Left::Waiting(position, pause) => self.schedule_retry(ParkedId { position, ..id }, partition, pause),
            Left::GivenUp(letter) => {
                let error = letter.as_ref().map(|letter| letter.error.as_str());
                tracing::error!(%id, error, "An event failed at every retry and is given up");
                self.counters.given_up();
                if let Some(letter) = letter {
                    self.broker.dead_letter(*letter);
                }
            }
        }
        Ok(released.through)
    }

    fn schedule_retry(&self, id: ParkedId, partition: Partition, pause: Duration) {
        let ParkedId { projection, position } = id;
        self.broker.retry_after(pause, Retry { consumer: projection.name().to_owned(), partition, position });
    }
}

/// The spans of a batch in the traces of its events, until they are dropped.
fn spans(events: &[Arc<RecordedEvent>]) -> Vec<Span> {
    let span = |event: &Arc<RecordedEvent>| {
        let trace = event.trace()?;
        let position = event.record.position;
        Some(traces::child(Some(trace), || {
            traces::span!("projection", event.position = position, batch.events = events.len())
        }))
    };
    events.iter().filter_map(span).collect()
}
