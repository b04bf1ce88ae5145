//! What every request handler and socket shares.

use crate::{
    Problem,
    answers::Answers,
    audit::HeadKey,
    auth::Tokens,
    bootstrap::Bootstrap,
    calls::SignalRates,
    compute::Compute,
    config::Config,
    files::Files,
    hub::Hub,
    limits::{Kind, Limits},
    operations::Caller,
    presence::{Presences, Signals},
    rest::Forwarding,
    sio::Sessions,
    standing::Standing,
    supervisor::Supervisor,
    turns::{Turn, Turns},
    typing::Typewriters,
    upkeep::Upkeep,
};
use broker::Broker;
use commands::Commands;
use domain::Timestamp;
use event_store::EventStore;
use graph::Cached;
use projections::{Progress, Queries, audit::AuditIndex};
use std::{ops::Deref, sync::Arc};
use uuid::Uuid;

/// The running server's parts. Clones share them.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts of an [`App`].
pub struct Parts {
    /// What was configured.
    pub config: Config,
    /// The write side.
    pub commands: Commands,
    /// The read side.
    pub queries: Queries,
    /// How people are here, and who sees it.
    pub presences: Presences,
    /// How far the read side has come.
    pub progress: Progress,
    /// What of the server stands still.
    pub standing: Standing,
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
    pub signals: Signals,
    /// Who types.
    pub typing: Typewriters,
    /// How much accounts and addresses may do.
    pub limits: Limits,
    /// Where work on the processor is done.
    pub compute: Compute,
    /// Turns at queries that cost much more than they answer.
    pub turns: Turns,
    /// Notices a proxy that is not named.
    pub forwarding: Forwarding,
    /// Requests of accounts that are under way, and answers that nobody has read yet.
    pub answers: Answers,
    /// How many media signals each device may send.
    pub signal_rates: SignalRates,
    /// The sockets' feed.
    pub hub: Hub,
    /// The Socket.IO sessions that are polled.
    pub polled: Sessions,
    /// What people bring.
    pub files: Files,
    /// Access tokens.
    pub tokens: Tokens,
    /// The one-time token of the first administrator.
    pub bootstrap: Bootstrap,
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
    /// Waits for a turn at a query that costs as much as `cost` plain ones of its kind, of which one was admitted.
    ///
    /// # Errors
    /// 429 `rate_limited` or `too_many_at_once`, 503 `overloaded`.
    pub(crate) async fn costly(&self, caller: &Caller, kind: Kind, cost: u32) -> Result<Turn, Problem> {
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
