//! The parts that request handlers and sockets share.

use super::{SignalRates, Stalled};
use crate::{connection::Forwarding, upkeep::Upkeep};
use audit::HeadKey;
use broker::Broker;
use commands::Commands;
use config::{Config, Live};
use domain::Timestamp;
use event_store::EventStore;
use graph::Cached;
use limits::Compute;
use limits::{Kind, Limits, Turn, Turns};
use projections::{Extent, Progress, Projection, Queries, audit::AuditIndex};
use protocol::Problem;
use realtime::{Caller, SignalRouter, hub::Hub, presence::Presences, typing::TypingIndicators};
use std::{ops::Deref, sync::Arc};
use supervisor::Supervisor;
use tokens::Tokens;
use uuid::Uuid;

/// The running server's parts. Clones share them.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts of an [`App`].
pub struct Parts {
    /// What was configured.
    pub config: Config,
    /// The settings of it that may have changed since.
    pub live: Live,
    /// The write side.
    pub commands: Commands,
    /// The read side.
    pub queries: Queries,
    /// How people are here, and who sees it.
    pub presences: Presences,
    /// How far the read side has come.
    pub progress: Progress,
    /// The stalled read models and partitions, the log and the hub. [`App::stalled_parts`] knows of the tasks, too.
    pub stalled: Stalled,
    /// Watches the tasks of this process.
    pub supervisor: Supervisor,
    /// Rebuilds, and events that could not be applied.
    pub upkeep: Upkeep,
    /// The index of the log, for administrators.
    pub audit: AuditIndex,
    /// Signs heads of the log.
    pub heads: HeadKey,
    /// The log.
    pub store: EventStore,
    /// The lanes and signals.
    pub broker: Broker,
    /// Who has to do with whom, and who is here.
    pub graph: Cached,
    /// Where signals go.
    pub signals: SignalRouter,
    /// Who types.
    pub typing: TypingIndicators,
    /// How much accounts and addresses may do.
    pub limits: Limits,
    /// Where work on the processor is done.
    pub compute: Compute,
    /// Turns at queries that cost much more than they answer.
    pub turns: Turns,
    /// Notices a proxy that is not named.
    pub forwarding: Forwarding,
    /// How many media signals each device may send.
    pub signal_rates: SignalRates,
    /// The sockets' feed.
    pub hub: Hub,
    /// Access tokens.
    pub tokens: Tokens,
    /// The clock.
    pub clock: fn() -> Timestamp,
    /// Where new ids come from (UUID v7).
    pub ids: fn() -> Uuid,
}

impl App {
    /// Shares the parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl App {
    /// The tasks of this process and of its engines that died and have not run for long enough since.
    #[must_use]
    pub fn down(&self) -> Vec<String> {
        let supervisors = [Some(&self.supervisor), self.broker.supervisor(), self.graph.graph().supervisor()];
        supervisors.into_iter().flatten().flat_map(Supervisor::down).collect()
    }

    /// The stalled parts of this process, and `task:<name>` for each task that is [down](App::down).
    #[must_use]
    pub fn stalled_parts(&self) -> Vec<String> {
        let down = self.down().into_iter().map(|name| format!("task:{name}"));
        self.stalled.names().into_iter().chain(down).collect()
    }

    /// The last position that this node has received from the lanes.
    #[must_use]
    pub fn received(&self) -> u64 {
        let marks = self.hub.marks();
        marks.high.max(marks.medium)
    }

    /// Waits until the read models show what was stored at `position` in a scope (`None`: all up to there), for
    /// [`Config::wait`] at most. Answers whether they do.
    pub async fn shows(&self, position: u64, scope: Option<Uuid>) -> bool {
        let extent = scope.map_or(Extent::Whole, |scope| Extent::of([scope], self.store.partitions()));
        self.progress.wait_in(&extent, position, &Projection::ALL, self.config.wait).await
    }

    /// Waits until the read models show all that is stored now.
    ///
    /// # Errors
    /// 503 `read_models_behind` after [`Config::wait`].
    pub(crate) async fn caught_up(&self) -> Result<(), Problem> {
        if self.shows(self.store.head().await?.position, None).await {
            return Ok(());
        }
        Err(Problem::unavailable("read_models_behind", "the read models are not there yet", 1))
    }

    /// Waits for a turn at a query that costs as much as `cost` plain ones of its kind, of which one was admitted.
    ///
    /// # Errors
    /// 429 `rate_limited` or `too_many_at_once`, 503 `overloaded`.
    pub async fn costly(&self, caller: &Caller, kind: Kind, cost: u32) -> Result<Turn, Problem> {
        self.limits.charge(kind, caller.ip, Some(caller.user), cost.saturating_sub(1)).await?;
        self.turns.enter(caller.user).await
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
