//! How long work on a database may take: every wait is bounded (I16).

use std::time::Duration;

/// How long a caller waits for a connection.
pub(crate) const ACQUIRE: Duration = Duration::from_secs(5);

/// How long work of one kind may take. Postgres enforces the limits itself, so that a process that froze or lost its network
/// holds no lock for longer. A statement that is not answered in time counts as lost, with its connection. SQLite waits for
/// its write lock as usual, and its statements are given up in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Waiting for one lock (`lock_timeout`).
    pub lock: Duration,
    /// One statement (`statement_timeout`).
    pub statement: Duration,
    /// A transaction without a statement (`idle_in_transaction_session_timeout`).
    pub idle: Duration,
}

impl Limits {
    /// For requests of people.
    pub const INTERACTIVE: Self =
        Self { lock: Duration::from_secs(2), statement: Duration::from_secs(5), idle: Duration::from_secs(5) };
    /// For read models, leases and checkpoints: batches of rows. A worker that freezes in a transaction loses it before
    /// its lease of 10 s ends.
    pub const WORKER: Self =
        Self { lock: Duration::from_secs(2), statement: Duration::from_secs(6), idle: Duration::from_secs(5) };
    /// For whole tables: rebuilding, verifying, migrating.
    pub const BULK: Self =
        Self { lock: Duration::from_secs(10), statement: Duration::from_secs(900), idle: Duration::from_secs(60) };

    /// For a copy of all tables of a location.
    pub const COPY: Self = Self {
        lock: Duration::from_secs(10),
        statement: Duration::from_secs(24 * 3_600),
        idle: Duration::from_secs(600),
    };

    /// How much longer than the server's limit the client waits.
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
