//! How long work on a database may take: no wait is without an end (I16).

use std::time::Duration;

/// How long work of one kind may take. Postgres keeps to the first three by itself, so that a process that froze or
/// lost its network holds no lock for longer; a statement that is not answered in time counts as lost with its
/// connection. SQLite waits for its write lock as it always does, and its statements are given up in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Waiting for one lock (`lock_timeout`).
    pub lock: Duration,
    /// One statement (`statement_timeout`).
    pub statement: Duration,
    /// A transaction in which nothing happens (`idle_in_transaction_session_timeout`).
    pub idle: Duration,
}

impl Limits {
    /// A person waits for it.
    pub const INTERACTIVE: Self =
        Self { lock: Duration::from_secs(2), statement: Duration::from_secs(5), idle: Duration::from_secs(5) };
    /// It keeps read models, leases and checkpoints: batches of rows. A worker that froze in a transaction has lost it
    /// before its lease of 10 s ends.
    pub const WORKER: Self =
        Self { lock: Duration::from_secs(2), statement: Duration::from_secs(6), idle: Duration::from_secs(5) };
    /// It reads or writes whole tables: rebuilding, verifying, migrating.
    pub const BULK: Self =
        Self { lock: Duration::from_secs(10), statement: Duration::from_secs(900), idle: Duration::from_secs(60) };

    /// How much longer than the server an answer may take.
    const MARGIN: Duration = Duration::from_secs(2);

    /// After this long a statement counts as unanswered.
    #[must_use]
    pub const fn answer(self) -> Duration {
        self.statement.saturating_add(Self::MARGIN)
    }

    /// The settings of Postgres for these limits.
    pub(crate) fn settings(self) -> [(&'static str, String); 3] {
        let millis = |time: Duration| time.as_millis().to_string();
        [
            ("lock_timeout", millis(self.lock)),
            ("statement_timeout", millis(self.statement)),
            ("idle_in_transaction_session_timeout", millis(self.idle)),
        ]
    }
}
