//! Upkeep of the read models, as administrators ask for it: rebuilds in the background, and events that could not be
//! applied.

use domain::Timestamp;
use event_store::{EventStore, ReactionId};
use projections::{
    Error, ParkedId, Progress, Projection, Queries, Rebuilds, count_parked, discard, is_first_parked, parked_page,
    queries::{PAGE_BYTES, Page, PageRequest, cut_by_bytes},
    rebuild::{self, RebuildOptions},
    requeue,
};
use protocol::{
    Problem,
    resource::{DeadLetter, ProjectionState},
};
use sql::{Database, Location};
use std::{
    collections::BTreeMap,
    convert::Infallible,
    fmt,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    sync::oneshot,
    time::{MissedTickBehavior, interval},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How often it is noted how far a rebuild got.
const PACE: Duration = Duration::from_millis(500);

/// More reactors than there are.
const REACTORS: u32 = 64;

/// A dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Letter {
    /// An event that a projection could not apply.
    Event(ParkedId),
    /// A reaction that a reactor could not do.
    Reaction(ReactionId),
}

impl fmt::Display for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(id) => id.fmt(f),
            Self::Reaction(id) => id.fmt(f),
        }
    }
}

impl FromStr for Letter {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name.parse() {
            Ok(reaction) => Ok(Self::Reaction(reaction)),
            Err(_) => name.parse().map(Self::Event),
        }
    }
}

/// What becomes of an event that could not be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is tried again, and those behind it.
    Retried,
    /// It is given up for good, and those behind it applied.
    Discarded,
}

/// Keeps the read models in order. Clones share it.
#[derive(Clone)]
pub struct Upkeep {
    store: EventStore,
    read_models: Database,
    location: Location,
    rebuilds: Rebuilds,
    clock: fn() -> Timestamp,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Upkeep {
    /// Of the read models at `location`, which `read_models` reaches.
    #[must_use]
    pub fn new(store: EventStore, read_models: Database, location: Location, clock: fn() -> Timestamp) -> Self {
        let rebuilds = Rebuilds::new(read_models.clone());
        let (tasks, stop) = Default::default();
        Self { store, read_models, location, rebuilds, clock, tasks, stop }
    }

    /// How many events each projection may have to apply yet.
    ///
    /// # Errors
    /// When log or read models are away.
    pub async fn lags(&self, progress: &Progress) -> Result<BTreeMap<Projection, u64>, Problem> {
        progress.lag().await.map_err(unavailable)
    }

    /// All projections: how far they have come, and how their last rebuild went.
    ///
    /// # Errors
    /// When log or read models are away.
    pub async fn projections(&self, progress: &Progress) -> Result<Vec<ProjectionState>, Problem> {
        let lags = self.lags(progress).await?;
        let parked = count_parked(&self.read_models).await?;
        let rebuilds = self.rebuilds.list().await?;
        let state = |projection: Projection| ProjectionState {
            name: projection.name(),
            version: projection.version(),
            lag: lags.get(&projection).copied().unwrap_or_default(),
            dead_letters: parked.get(&projection).copied().unwrap_or_default(),
            rebuild: rebuilds.iter().find(|rebuild| rebuild.projection == projection).cloned().map(Into::into),
        };
        Ok(Projection::ALL.map(state).into())
    }

    /// One projection.
    ///
    /// # Errors
    /// When log or read models are away.
    pub async fn projection(&self, progress: &Progress, wanted: Projection) -> Result<ProjectionState, Problem> {
        let states = self.projections(progress).await?;
        states.into_iter().find(|state| state.name == wanted.name()).ok_or_else(Problem::not_found)
    }

    /// Which projection is being rebuilt, by any server.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn running(&self) -> Result<Option<Projection>, Problem> {
        Ok(self.rebuilds.running().await?)
    }

    /// Begins to rebuild a projection in the background, unless one is being rebuilt. Answers whether it began.
    ///
    /// # Errors
    /// When log or read models are away.
    pub async fn rebuild(&self, projection: Projection) -> Result<bool, Problem> {
        let total = self.store.head().await?.position;
        let (answer, began) = oneshot::channel();
        let upkeep = self.clone();
        // In one task: a caller who hangs up would leave a rebuild that nobody does.
        self.tasks.spawn(async move {
            let began = upkeep.rebuilds.begin(projection, total).await;
            let is_ours = matches!(began, Ok(true));
            let _ = answer.send(began);
            if is_ours {
                upkeep.watch(projection).await;
            }
        });
        Ok(began.await.map_err(Problem::internal)??)
    }

    /// Rebuilds, and notes it if that dies.
    async fn watch(self, projection: Projection) {
        if let Err(died) = tokio::spawn(self.clone().work(projection)).await {
            tracing::error!(projection = projection.name(), error.cause = %died, "a rebuild died");
            note(self.rebuilds.end(projection, 0, Some(&died.to_string())).await);
        }
    }

    async fn work(self, projection: Projection) {
        let events = Arc::new(AtomicU64::new(0));
        let read = Arc::clone(&events);
        let report = Box::new(move |so_far| read.store(so_far, Relaxed));
        let options = RebuildOptions { report, ..RebuildOptions::new(self.clock) };
        let only = [projection];
        let work = Box::pin(rebuild::rebuild(&self.store, &self.location, &only, options, self.stop.child_token()));
        // Side by side: on SQLite a report waits for the lock that the work holds.
        let rebuilt = tokio::select! {
            rebuilt = work => rebuilt,
            never = self.report(projection, &events) => match never {},
        };
        match &rebuilt {
            Ok(_) => tracing::info!(projection = projection.name(), "a projection was rebuilt"),
            Err(error) => tracing::error!(projection = projection.name(), error.cause = %error, "a rebuild failed"),
        }
        let error = rebuilt.err().map(|error| error.to_string());
        note(self.rebuilds.end(projection, events.load(Relaxed), error.as_deref()).await);
    }

    /// Notes from time to time how far a rebuild got.
    async fn report(&self, projection: Projection, events: &AtomicU64) -> Infallible {
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            pace.tick().await;
            note(self.rebuilds.report(projection, events.load(Relaxed)).await);
        }
    }

    /// Events that could not be applied and reactions that could not be done, the oldest first.
    ///
    /// # Errors
    /// When log or read models are away, or the page is none.
    pub async fn dead_letters(&self, queries: &Queries, page: &PageRequest) -> Result<Page<DeadLetter>, Problem> {
        let limit = page.limit();
        let after = page.after_letter()?;
        let after = after.as_ref().map(|(name, position)| (*position, name.as_str()));
        let parked = parked_page(queries, page).await?;
        let reactions = self.store.parked_reactions(after, u32::try_from(limit + 1).unwrap_or(u32::MAX)).await?;
        let events = parked.items.into_iter().map(DeadLetter::from);
        let mut items: Vec<_> = events.chain(reactions.into_iter().map(DeadLetter::from)).collect();
        items.sort_by(|a, b| (a.position, &a.projection).cmp(&(b.position, &b.projection)));
        // Reactions beyond the last event that was read come after events that were not.
        let edge = PageRequest { after: parked.next.clone(), ..page.clone() }.after_letter()?;
        if let Some((name, position)) = &edge {
            items.retain(|item| (item.position, &item.projection) <= (*position, name));
        }
        let is_long = items.len() > limit;
        items.truncate(limit);
        let is_cut = cut_by_bytes(&mut items, PAGE_BYTES, DeadLetter::weight) || is_long;
        let next = if is_cut { items.last().map(|last| page.letter_token(&last.id)) } else { parked.next };
        Ok(Page { items, next })
    }

    /// Whether there is such a dead letter at the head of its stream.
    ///
    /// # Errors
    /// When log or read models are away.
    pub async fn is_parked(&self, letter: &Letter) -> Result<bool, Problem> {
        match letter {
            Letter::Event(id) => Ok(is_first_parked(&self.read_models, *id).await?),
            Letter::Reaction(id) => {
                // All reactors at most stand at one position.
                let before = Some((id.position, ""));
                let parked = self.store.parked_reactions(before, REACTORS).await?;
                Ok(parked.iter().any(|parked| parked.id == *id))
            }
        }
    }

    /// Tries a dead letter again, or gives it up.
    ///
    /// # Errors
    /// `not_found` when there is none at the head of a stream; or when log or read models are away.
    pub async fn release(&self, letter: &Letter, fate: Fate) -> Result<(), Problem> {
        let released = match (letter, fate) {
            (Letter::Event(id), Fate::Retried) => requeue(&self.store, &self.read_models, *id, self.clock).await,
            (Letter::Event(id), Fate::Discarded) => discard(&self.store, &self.read_models, *id, self.clock).await,
            (Letter::Reaction(id), fate) => {
                let is_there = match fate {
                    Fate::Retried => self.store.retry_reaction(id).await?,
                    Fate::Discarded => self.store.discard_reaction(id).await?,
                };
                return if is_there { Ok(()) } else { Err(Problem::not_found()) };
            }
        };
        released.map(drop).map_err(unavailable)
    }

    /// Stops what runs in the background, and waits for it: a rebuild leaves the live tables as they are.
    pub async fn end(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// What is noted of a rebuild is for people alone: it goes on without.
fn note(noted: Result<(), sql::Error>) {
    if let Err(error) = noted {
        tracing::debug!(error.cause = %error, "how far a rebuild got is not noted");
    }
}

fn unavailable(error: Error) -> Problem {
    match error {
        Error::NotParked => Problem::not_found(),
        Error::Sql(error) => error.into(),
        Error::Read(error) => error.into(),
        error if error.is_temporary() => Problem::unavailable("unavailable", "the read models are unavailable", 2),
        error => Problem::internal(error),
    }
}
