//! Reading lanes completely and in order, with the broker as the hint and the store as the truth.

use crate::{
    Run, Subscription,
    order::{Order, Stretch},
};
use domain::Partition;
use event_store::{EventStore, Head, Position, ReadError, RecordedEvent, Selection};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::time::{Instant, timeout};
use tokio_util::task::AbortOnDropHandle;

/// How long a missing event may still arrive by itself: two publishers reorder routinely.
const PATIENCE: Duration = Duration::from_millis(20);
/// How often the ledger's head is compared. With [`PATIENCE`] and two reads, a lost hint costs 250 ms at most.
const LOOK: Duration = Duration::from_millis(200);
/// How long the store may take to answer, whatever it does about that itself: a read that never ends would stop everything.
const ASK: Duration = Duration::from_secs(15);
/// How many events are read at once.
const PAGE: u32 = 1_000;
/// How many events may wait here; more are left to the subscription, which drops what it cannot hold.
const ROOM: usize = 10_000;

/// How far somebody has come: all high events up to `high`, all medium ones up to `medium`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// In the high tier.
    pub high: Position,
    /// In the medium tier.
    pub medium: Position,
}

/// Which order an event must keep (I12). High events always come in position order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ordering {
    /// Workers: within each partition on its own, a medium event waits for the high events before it.
    Partition,
    /// Gateways: over all partitions, a medium event waits for all events before it.
    Global,
}

/// Reads lanes completely and in order.
pub struct Follower {
    store: EventStore,
    hints: Option<Subscription>,
    order: Order,
    phase: Phase,
    asked: Option<Asked>,
    /// Somebody said that there is something in the store which nobody was told of.
    called: bool,
}

/// What the store is being asked. A task of its own, so that live hints do not wait for a slow store, and a caller
/// that cancels does not make it begin again.
type Asked = AbortOnDropHandle<Result<Answer, ReadError>>;

enum Answer {
    Head(Head),
    Events(Stretch, Vec<Arc<RecordedEvent>>),
}

/// What is to be done about the store.
enum Phase {
    /// It was never asked.
    New,
    /// Nothing was missing at this time.
    Live(Instant),
    /// Something is missing below this head, and may still come by itself until this time.
    Patient(Arc<Head>, Instant),
    /// What is missing below this head is being read.
    Behind(Arc<Head>),
}

impl Follower {
    /// Follows `partitions` (with [`Ordering::Global`]: all of them) from where each has come to. With `Global`
    /// all partitions start from the same marks.
    #[must_use]
    pub fn new(store: EventStore, hints: Subscription, ordering: Ordering, from: BTreeMap<Partition, Marks>) -> Self {
        Self {
            store,
            hints: Some(hints),
            order: Order::new(ordering, from),
            phase: Phase::New,
            asked: None,
            called: false,
        }
    }

    /// At least one and at most `max` further events, each exactly once, in an order that keeps [`Ordering`]:
    /// ready high events first, then ready medium ones. Waits until there is one. Cancel-safe.
    ///
    /// # Errors
    /// When the store must be asked and cannot; asking again later goes on where this stopped.
    pub async fn next(&mut self, max: usize) -> Result<Vec<Arc<RecordedEvent>>, ReadError> {
        loop {
            self.hear_what_is_here();
            if self.asked.as_ref().is_some_and(AbortOnDropHandle::is_finished) {
                let answer = answer(&mut self.asked).await;
                self.answered(answer)?;
            }
            let due = self.ask_if_due();
            let taken = self.order.take(max.max(1));
            if !taken.is_empty() {
                return Ok(taken);
            }
            let has_room = self.order.waiting() < ROOM;
            tokio::select! {
                run = next_run(&mut self.hints), if has_room => match run {
                    Some(run) => self.hear(&run),
                    None => self.hints = None,
                },
                answer = answer(&mut self.asked), if self.asked.is_some() => self.answered(answer)?,
                () = tokio::time::sleep_until(due), if self.asked.is_none() => {}
            }
        }
    }

    /// How far what was yielded goes, per partition ([`Ordering::Global`]: the same for each).
    #[must_use]
    pub const fn marks(&self) -> &BTreeMap<Partition, Marks> {
        self.order.marks()
    }

    fn hear_what_is_here(&mut self) {
        while self.order.waiting() < ROOM
            && let Some(run) = self.hints.as_mut().and_then(Subscription::next_now)
        {
            self.hear(&run);
        }
    }

    fn hear(&mut self, run: &Run) {
        let now = Instant::now();
        self.called |= run.events.is_empty();
        for linked in &run.events {
            self.order.hear(linked, now);
        }
    }

    /// Asks the store if it is time; answers when it will be, unless it is being asked.
    fn ask_if_due(&mut self) -> Instant {
        let now = Instant::now();
        while self.asked.is_none() {
            match &self.phase {
                Phase::New => self.ask_for_head(),
                Phase::Live(since) => {
                    let hole = self.order.hole_since().map(|hole| hole.max(*since) + PATIENCE);
                    let due = hole.unwrap_or(*since + LOOK).min(*since + LOOK);
                    if now < due && !self.called {
                        return due;
                    }
                    self.ask_for_head();
                }
                Phase::Patient(_, until) if now < *until => return *until,
                Phase::Patient(head, _) => self.phase = Phase::Behind(Arc::clone(head)),
                Phase::Behind(_) if self.order.waiting() >= ROOM && self.order.is_ready() => return now,
                Phase::Behind(head) => match self.order.lacks(head) {
                    Some(stretch) => self.ask_for_events(stretch),
                    None => self.phase = Phase::Live(now),
                },
            }
        }
        now
    }

    fn ask_for_head(&mut self) {
        let store = self.store.clone();
        self.ask(async move { store.head().await.map(Answer::Head) });
    }

    fn ask_for_events(&mut self, stretch: Stretch) {
        let store = self.store.clone();
        let selection = match &stretch.partitions {
            Some(few) if few.len() < usize::from(store.partitions()) => {
                Selection::Partitions(few.iter().map(|partition| partition.0).collect())
            }
            _ => Selection::All,
        };
        tracing::debug!(after = stretch.after, ?selection, "reading from the store what the broker did not bring");
        self.ask(async move {
            let events = store.read_after(stretch.after, &selection, PAGE).await?;
            Ok(Answer::Events(stretch, events))
        });
    }

    fn ask(&mut self, asking: impl Future<Output = Result<Answer, ReadError>> + Send + 'static) {
        let asking = async { timeout(ASK, asking).await.unwrap_or_else(|_| Err(ReadError::unanswered(ASK))) };
        self.asked = Some(AbortOnDropHandle::new(tokio::spawn(asking)));
    }

    fn answered(&mut self, answer: Result<Answer, ReadError>) -> Result<(), ReadError> {
        self.asked = None;
        let now = Instant::now();
        match answer {
            Ok(Answer::Head(head)) => self.compare(Arc::new(head), now),
            Ok(Answer::Events(stretch, events)) => {
                let last = events.last().map_or(stretch.after, |event| event.record.position);
                let until = match &self.phase {
                    Phase::Behind(head) if events.len() < PAGE as usize => head.position.max(last),
                    _ => last,
                };
                self.order.read(&stretch, events, until, now);
            }
            Err(error) => {
                self.phase = Phase::Live(now);
                return Err(error);
            }
        }
        Ok(())
    }

    /// What is missing below `head` is read at once at the start and when a hole has been waited for; else it may
    /// be on its way.
    fn compare(&mut self, head: Arc<Head>, now: Instant) {
        let called = std::mem::take(&mut self.called);
        let waited = called || self.order.hole_since().is_some_and(|hole| hole + PATIENCE <= now);
        self.phase = if matches!(self.phase, Phase::New) || waited {
            Phase::Behind(head)
        } else if self.order.lacks(&head).is_none() {
            Phase::Live(now)
        } else {
            Phase::Patient(head, now + PATIENCE)
        };
    }
}

async fn next_run(hints: &mut Option<Subscription>) -> Option<Arc<Run>> {
    match hints {
        Some(hints) => hints.next().await,
        None => std::future::pending().await,
    }
}

async fn answer(asked: &mut Option<Asked>) -> Result<Answer, ReadError> {
    match asked {
        Some(asked) => {
            asked.await.unwrap_or_else(|error| Err(ReadError::Damaged(format!("the reading task ended: {error}"))))
        }
        None => std::future::pending().await,
    }
}
