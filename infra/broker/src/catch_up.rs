//! Reads lanes completely and in order: notifications from the broker first, the store for gaps.

use crate::{
    Marks, Ordering, Run, Subscription,
    order::{LogRange, Order},
};
use domain::{Partition, Tier, Timestamp};
use event_store::{EventStore, Head, ReadError, RecordedEvent, Selection};
use metrics::{Histogram, counter, histogram};
use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
    time::Duration,
};
use tokio::time::{Instant, timeout};
use tokio_util::task::AbortOnDropHandle;

/// How long a missing event may still arrive by itself: two publishers reorder events routinely.
const PATIENCE: Duration = Duration::from_millis(20);
/// The interval of comparisons with the ledger's head, the same moments for all subscriptions of a process. With [`PATIENCE`]
/// and two reads, a lost notification costs at most 250 ms.
const LOOK: Duration = Duration::from_millis(200);
/// After this long a read of the store is abandoned, whatever the store's own limits: a read that never ends would stop the
/// consumer.
const READ: Duration = Duration::from_secs(15);
/// Events per read.
const PAGE: u32 = 1_000;
/// How many events may wait here; further ones stay in the subscription, which drops those for which it has no room.
const ROOM: usize = 10_000;

/// Reads lanes completely and in order.
pub struct CatchUpSubscription {
    store: EventStore,
    notifications: Option<Subscription>,
    order: Order,
    phase: Phase,
    reading: Option<Reading>,
    /// A run without events arrived: the store has events that were published nowhere.
    has_unpublished: bool,
    lags: Lags,
}

/// How long events take to their consumers, per tier.
struct Lags([Histogram; 2]);

impl Lags {
    fn new() -> Self {
        Self(Tier::DURABLE.map(|tier| histogram!("chatchit_lane_lag_seconds", "tier" => tier.as_str())))
    }

    /// Records the age of the oldest event of each tier: high ones come first, each tier in order.
    fn record(&self, taken: &[Arc<RecordedEvent>], now: Timestamp) {
        for (tier, seconds) in Tier::DURABLE.into_iter().zip(&self.0) {
            if let Some(oldest) = taken.iter().find(|event| event.record.lane.tier == tier) {
                let age = now.millis().saturating_sub(oldest.record.recorded_at.millis()).max(0);
                seconds.record(age as f64 / 1e3);
            }
        }
    }
}

/// A read of the store under way. It is a task of its own, so that notifications do not wait for a slow store, and a caller
/// that cancels does not restart it.
type Reading = AbortOnDropHandle<Result<Answer, ReadError>>;

enum Answer {
    Head(Arc<Head>),
    Events(LogRange, Vec<Arc<RecordedEvent>>),
}

/// How this compares with the store.
enum Phase {
    /// Not compared yet.
    New,
    /// No event was missing at this time.
    Live(Instant),
    /// Events below this head are missing, and may still arrive by themselves until this time.
    Patient(Arc<Head>, Instant),
    /// The missing events below this head are being read.
    Behind(Arc<Head>),
}

impl CatchUpSubscription {
    /// Reads the partitions of `from` (with [`Ordering::Global`]: all of them), each from its marks. With `Global` all
    /// partitions have the same marks.
    #[must_use]
    pub fn new(
        store: EventStore,
        notifications: Subscription,
        ordering: Ordering,
        from: BTreeMap<Partition, Marks>,
    ) -> Self {
        Self {
            store,
            notifications: Some(notifications),
            order: Order::new(ordering, from),
            phase: Phase::New,
            reading: None,
            has_unpublished: false,
            lags: Lags::new(),
        }
    }

    /// At least one and at most `max` further events, each exactly once, in an order that keeps [`Ordering`]:
    /// ready high events first, then ready medium ones. Waits until there is one. Cancel-safe.
    ///
    /// # Errors
    /// When a read of the store fails; the next call continues where this one stopped.
    pub async fn next(&mut self, max: usize) -> Result<Vec<Arc<RecordedEvent>>, ReadError> {
        loop {
            self.take_arrived();
            if self.reading.as_ref().is_some_and(AbortOnDropHandle::is_finished) {
                let answer = answer(&mut self.reading).await;
                self.on_answer(answer)?;
            }
            let due = self.read_if_due();
            let taken = self.order.take(max.max(1));
            if let Some(furthest) = taken.iter().max_by_key(|event| event.record.position) {
                self.store.note_seen(furthest);
                self.lags.record(&taken, self.store.now());
                return Ok(taken);
            }
            let has_room = self.order.waiting() < ROOM;
            tokio::select! {
                run = next_run(&mut self.notifications), if has_room => match run {
                    Some(run) => self.on_notification(&run),
                    None => self.notifications = None,
                },
                answer = answer(&mut self.reading), if self.reading.is_some() => self.on_answer(answer)?,
                () = tokio::time::sleep_until(due), if self.reading.is_none() => {}
            }
        }
    }

    /// The marks of the yielded events per partition ([`Ordering::Global`]: the same for each).
    #[must_use]
    pub const fn marks(&self) -> &BTreeMap<Partition, Marks> {
        self.order.marks()
    }

    fn take_arrived(&mut self) {
        while self.order.waiting() < ROOM
            && let Some(run) = self.notifications.as_mut().and_then(Subscription::next_now)
        {
            self.on_notification(&run);
        }
    }

    fn on_notification(&mut self, run: &Run) {
        let now = Instant::now();
        self.has_unpublished |= run.events.is_empty();
        for linked in &run.events {
            self.order.add(linked, now);
        }
    }

    /// Starts a read of the store if one is due; returns when the next one is, unless one is under way.
    fn read_if_due(&mut self) -> Instant {
        let now = Instant::now();
        while self.reading.is_none() {
            match &self.phase {
                Phase::New => self.read_head(),
                Phase::Live(since) => {
                    let gap = self.order.gap_since().map(|gap| gap.max(*since) + PATIENCE);
                    let look = next_look(*since);
                    let due = gap.unwrap_or(look).min(look);
                    if now < due && !self.has_unpublished {
                        return due;
                    }
                    self.read_head();
                }
                Phase::Patient(_, until) if now < *until => return *until,
                Phase::Patient(head, _) => self.phase = Phase::Behind(Arc::clone(head)),
                Phase::Behind(_) if self.order.waiting() >= ROOM && self.order.is_ready() => return now,
                Phase::Behind(head) => match self.order.missing_range(head) {
                    Some(range) => self.read_events(range),
                    None => self.phase = Phase::Live(now),
                },
            }
        }
        now
    }

    fn read_head(&mut self) {
        let store = self.store.clone();
        // The head that another subscription read may be older than the commit.
        let is_own = self.has_unpublished;
        self.read(async move {
            let head = if is_own { store.head().await.map(Arc::new) } else { store.shared_head().await };
            head.map(Answer::Head)
        });
    }

    fn read_events(&mut self, range: LogRange) {
        let store = self.store.clone();
        let selection = match &range.partitions {
            Some(few) if few.len() < usize::from(store.partitions()) => {
                Selection::Partitions(few.iter().map(|partition| partition.0).collect())
            }
            _ => Selection::All,
        };
        tracing::debug!(
            after = range.after,
            ?selection,
            "Reading events from the store that the broker did not deliver"
        );
        counter!("chatchit_lane_repairs_total").increment(1);
        self.read(async move {
            let events = store.read_after(range.after, &selection, PAGE).await?;
            Ok(Answer::Events(range, events))
        });
    }

    fn read(&mut self, reading: impl Future<Output = Result<Answer, ReadError>> + Send + 'static) {
        let reading = async { timeout(READ, reading).await.unwrap_or_else(|_| Err(ReadError::unanswered(READ))) };
        self.reading = Some(AbortOnDropHandle::new(tokio::spawn(reading)));
    }

    fn on_answer(&mut self, answer: Result<Answer, ReadError>) -> Result<(), ReadError> {
        self.reading = None;
        let now = Instant::now();
        match answer {
            Ok(Answer::Head(head)) => self.compare(head, now),
            Ok(Answer::Events(range, events)) => {
                counter!("chatchit_lane_repaired_events_total").increment(events.len() as u64);
                let last = events.last().map_or(range.after, |event| event.record.position);
                let until = match &self.phase {
                    Phase::Behind(head) if events.len() < PAGE as usize => head.position.max(last),
                    _ => last,
                };
                self.order.add_range(&range, events, until, now);
            }
            Err(error) => {
                self.phase = Phase::Live(now);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Events missing below `head` are read at once at the start and when a gap has existed for long enough; otherwise they
    /// may be on their way.
    fn compare(&mut self, head: Arc<Head>, now: Instant) {
        let has_unpublished = std::mem::take(&mut self.has_unpublished);
        let waited = has_unpublished || self.order.gap_since().is_some_and(|gap| gap + PATIENCE <= now);
        self.phase = if matches!(self.phase, Phase::New) || waited {
            Phase::Behind(head)
        } else if self.order.missing_range(&head).is_none() {
            Phase::Live(now)
        } else {
            Phase::Patient(head, now + PATIENCE)
        };
    }
}

/// The first comparison with the ledger's head after `since`.
fn next_look(since: Instant) -> Instant {
    static FIRST: LazyLock<Instant> = LazyLock::new(Instant::now);
    let looks = since.saturating_duration_since(*FIRST).as_millis() / LOOK.as_millis() + 1;
    *FIRST + LOOK * u32::try_from(looks).unwrap_or(u32::MAX)
}

async fn next_run(notifications: &mut Option<Subscription>) -> Option<Arc<Run>> {
    match notifications {
        Some(notifications) => notifications.next().await,
        None => std::future::pending().await,
    }
}

async fn answer(reading: &mut Option<Reading>) -> Result<Answer, ReadError> {
    match reading {
        Some(reading) => {
            reading.await.unwrap_or_else(|error| Err(ReadError::Damaged(format!("the reading task ended: {error}"))))
        }
        None => std::future::pending().await,
    }
}
