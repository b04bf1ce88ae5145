//! The reading of some partitions from their checkpoints on: new events, and parked ones that are due.

use super::{Pauses, WorkerSettings, parking::Counters, settled::Settled};
use crate::{Error, ParkedId, Projection, apply::Applier, checkpoint, parked, parked::BackOff, release::Left};
use broker::{Broker, Follower, Interest, Ordering, Retry, RetrySubscription};
use domain::{Lane, Partition, Tier};
use event_store::{ReadError, RecordedEvent};
use sql::Database;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

/// The most events of one transaction.
const BATCH: usize = 500;
/// How often the table is asked for parked events that are due, whatever the broker says.
const LOOK: Duration = Duration::from_secs(1);
/// The most retries of one look, and after how many events that went through it ends: new events wait for it.
const RETRIES: usize = 8;
const ENOUGH: u64 = 50;

/// How long each partition's rows are waited for, once some of them were found held by somebody else.
pub(super) const SOON: Duration = Duration::from_millis(250);

/// The reading of some partitions.
pub(super) struct Reading {
    partitions: usize,
    database: Database,
    broker: Broker,
    back_off: BackOff,
    follower: Follower,
    retries: RetrySubscription,
    look: Interval,
    /// Where to go on with what other builds could not apply; `None` when all of it was tried.
    others: Option<Option<ParkedId>>,
    applier: Applier,
    settled: Option<BTreeMap<Projection, Settled>>,
    counters: Arc<Counters>,
}

/// What is to be done next.
pub(super) enum Turn {
    Events(Vec<Arc<RecordedEvent>>),
    /// The broker says that this one is due.
    Retry(Retry),
    /// It is time to look for those that are due.
    Look,
}

impl Reading {
    pub(super) async fn begin(
        settings: &WorkerSettings,
        back_off: BackOff,
        partitions: Vec<Partition>,
        counters: Arc<Counters>,
    ) -> Result<Self, Error> {
        let WorkerSettings { store, broker, database, clock, build, .. } = settings;
        let lanes =
            partitions.iter().flat_map(|partition| Tier::DURABLE.map(|tier| Lane { tier, partition: *partition }));
        let hints = broker.subscribe(Interest::Lanes { queue: "projections".to_owned(), lanes: lanes.collect() });
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
        let follower = Follower::new(store.clone(), hints, Ordering::Partition, applier.marks());
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (database, broker, partitions) = (database.clone(), broker.clone(), partitions.len());
        let others = Some(None);
        Ok(Self { partitions, database, broker, back_off, follower, retries, look, others, applier, settled, counters })
    }

    /// Up to which position each projection has applied everything; `None` when others follow some partitions.
    pub(super) fn settled(&self) -> Option<BTreeMap<Projection, u64>> {
        let settled = self.settled.as_ref()?;
        Some(settled.iter().map(|(projection, settled)| (*projection, settled.position())).collect())
    }

    /// Waits for something to do. Cancel-safe. When there is much of everything, each has its turn.
    pub(super) async fn turn(&mut self) -> Result<Turn, ReadError> {
        tokio::select! {
            events = self.follower.next(BATCH) => Ok(Turn::Events(events?)),
            Some(retry) = self.retries.next() => Ok(Turn::Retry(retry)),
            _ = self.look.tick() => Ok(Turn::Look),
        }
    }

    /// Does it. Answers whether there is progress to be told of.
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
                tracing::debug!(%error, "Parked events cannot be tried again before the next look");
                Ok(false)
            }
            done => done.map(|()| false),
        }
    }

    /// Applies a batch, however long the engine is away. Answers whether it did: not when told to stop.
    async fn apply(&mut self, events: &[Arc<RecordedEvent>], token: &CancellationToken) -> Result<bool, Error> {
        let mut pauses = Pauses::default();
        while let Err(error) = self.applier.apply(events).await {
            if !error.is_temporary() {
                return Err(error);
            }
            if error.is_lock_timeout() && self.partitions > 1 && checkpoint::is_open(&self.database).await? {
                let blocked = self.apart(events).await?;
                if blocked.is_empty() {
                    break;
                }
                if blocked.len() < self.partitions {
                    return Err(Error::Blocked(blocked));
                }
            }
            tracing::warn!(%error, events = events.len(), "A batch could not be applied and is tried again");
            pauses.next(token).await;
            if token.is_cancelled() {
                return Ok(false);
            }
        }
        for (id, partition) in self.applier.take_parked() {
            self.hint(id, partition, self.back_off[0]);
        }
        for (projection, settled) in self.settled.iter_mut().flatten() {
            let positions = events.iter().map(|event| event.record.position);
            settled.applied(positions, &self.applier.marks_of(*projection));
        }
        Ok(true)
    }

    /// Applies a batch partition by partition, so that one whose rows somebody holds does not hold up the others.
    /// Answers which ones were held up.
    async fn apart(&mut self, events: &[Arc<RecordedEvent>]) -> Result<BTreeSet<Partition>, Error> {
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

    /// Retries what is due, and counts what is parked.
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

    /// Tries what other builds could not apply, each once. Answers whether there may be more.
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

    /// Tries a parked event again, if it is due; answers how many went through with it.
    async fn retry(&mut self, id: ParkedId, partition: Partition) -> Result<u64, Error> {
        let Some(released) = self.applier.retry(id, partition).await? else { return Ok(0) };
        self.counters.retried();
        tracing::info!(%id, applied = released.through, "A parked event was tried again");
        match released.left {
            Left::Nothing | Left::Unreadable | Left::Unchanged => (),
            Left::More(_) => self.look.reset_immediately(),
            Left::Waiting(position, pause) => self.hint(ParkedId { position, ..id }, partition, pause),
            Left::GivenUp(letter) => {
                let error = letter.as_ref().map(|letter| letter.error.as_str());
                tracing::error!(%id, error, "An event fails however often it is tried, and is given up");
                self.counters.given_up();
                if let Some(letter) = letter {
                    self.broker.bury(*letter);
                }
            }
        }
        Ok(released.through)
    }

    fn hint(&self, id: ParkedId, partition: Partition, pause: Duration) {
        let ParkedId { projection, position } = id;
        self.broker.retry_after(pause, Retry { consumer: projection.name().to_owned(), partition, position });
    }
}
