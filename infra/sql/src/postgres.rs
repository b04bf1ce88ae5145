//! Connections to Postgres of which none is waited for without an end.
//!
//! sqlx returns a connection to its pool by a round trip, and has no deadline for it: one whose server fell silent
//! would keep its place in the pool for ever. So connections are taken and returned here, each step in time, and one
//! that was silent is closed on the spot.

use crate::{Error, Limits};
use sqlx::{
    Connection, Executor, PgConnection, PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    runtime::Handle,
    time::{error::Elapsed, timeout},
};

/// How long a connection is waited for.
pub(crate) const ACQUIRE: Duration = Duration::from_secs(5);
/// How long a connection may take to show that it is alive.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);

/// Options for connections that keep to `limits`, and whose server notices that this end is gone: within about 11 s
/// when nothing is under way, and 10 s when something is. Their sessions have the name that `url` gives them
/// (`application_name`), else `chatchit`.
///
/// # Errors
/// When `url` is none.
pub fn postgres_options(url: &str, schema: &str, limits: Limits) -> Result<PgConnectOptions, Error> {
    let keep_alive = [
        ("tcp_keepalives_idle", "5"),
        ("tcp_keepalives_interval", "2"),
        ("tcp_keepalives_count", "3"),
        ("tcp_user_timeout", "10000"),
    ];
    let mut options = PgConnectOptions::from_str(url)?;
    if options.get_application_name().is_none() {
        options = options.application_name("chatchit");
    }
    Ok(options
        .options([("search_path", schema)])
        .options(limits.settings())
        .options(keep_alive)
        .statement_cache_capacity(256))
}

/// A pool. Clones share the connections.
#[derive(Clone, Debug)]
pub struct Connections {
    pool: PgPool,
    limits: Limits,
    silence: Silence,
}

/// When a server was last found silent: connections that have rested since before are not trusted.
#[derive(Clone, Debug, Default)]
struct Silence(Arc<Mutex<Option<Instant>>>);

impl Silence {
    fn noticed(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether it was noticed while a connection rested for `rest`.
    fn is_within(&self, rest: Duration) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|at| at.elapsed() <= rest)
    }
}

impl Connections {
    pub(crate) async fn open(url: &str, schema: &str, connections: u32, limits: Limits) -> Result<Self, Error> {
        let silence = Silence::default();
        let noticed = silence.clone();
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE)
            .test_before_acquire(false)
            .before_acquire(move |connection, meta| {
                let silence = noticed.clone();
                Box::pin(async move {
                    if silence.is_within(meta.idle_for) {
                        return Ok(false);
                    }
                    match timeout(SIGN_OF_LIFE, connection.ping()).await {
                        Ok(answer) => Ok(answer.is_ok()),
                        Err(_) => {
                            silence.noticed();
                            Ok(false)
                        }
                    }
                })
            });
        let pool = pool.connect_with(postgres_options(url, schema, limits)?).await?;
        Ok(Self { pool, limits, silence })
    }

    /// The pool itself, whose statements have no deadline.
    #[must_use]
    pub const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Takes a connection.
    pub(crate) async fn take(&self) -> Result<Held, Error> {
        let connection = Some(self.pool.acquire().await?);
        Ok(Held {
            connection,
            limits: self.limits,
            silence: self.silence.clone(),
            in_transaction: false,
            is_busy: false,
        })
    }

    /// Takes a connection and begins a transaction on it with the statement `begin`.
    pub(crate) async fn begin(&self, begin: &str) -> Result<Held, Error> {
        let mut held = self.take().await?;
        held.in_transaction = true;
        held.run(begin).await?;
        Ok(held)
    }

    /// Opens a connection beside the pool.
    pub(crate) async fn connect(&self) -> Result<PgConnection, Error> {
        let options = self.pool.connect_options();
        let connection = timeout(ACQUIRE, PgConnection::connect_with(&options)).await;
        Ok(connection.map_err(|_| Error::Unanswered(ACQUIRE))??)
    }

    /// One connection for migrations: a statement may take long, and another process may be migrating, for which sqlx
    /// waits with a lock.
    pub(crate) async fn patient(&self) -> Result<PgPool, Error> {
        let options = (*self.pool.connect_options()).clone();
        let options = options.options([("statement_timeout", "0"), ("lock_timeout", "0")]);
        Ok(PgPoolOptions::new().max_connections(1).acquire_timeout(ACQUIRE).connect_with(options).await?)
    }

    /// Closes the pool, waiting for statements under way, but not for those that are not answered.
    pub(crate) async fn close(&self) {
        if timeout(self.limits.answer().min(ACQUIRE), self.pool.close()).await.is_err() {
            tracing::warn!("Connections to Postgres did not end in time and are left");
        }
    }
}

/// A connection that was taken from a pool, and goes back to it when it is dropped: a transaction that was not committed
/// is rolled back before. One that was left in the middle of a transaction's statement is closed instead, and so is one
/// whose server is silent.
pub struct Held {
    connection: Option<PoolConnection<Postgres>>,
    limits: Limits,
    silence: Silence,
    in_transaction: bool,
    is_busy: bool,
}

impl Held {
    /// The connection itself, and how long an answer may take. It counts as busy until [`Held::settle`]: so it is known
    /// when the wait in between is cancelled.
    pub(crate) fn begin(&mut self) -> Result<(&mut PgConnection, Duration), Error> {
        self.is_busy = true;
        let connection = self.connection.as_deref_mut().ok_or(Error::Lost)?;
        Ok((connection, self.limits.answer()))
    }

    /// What came of a wait: without an answer, the connection is closed on the spot.
    pub(crate) fn settle<T>(&mut self, answer: Result<Result<T, sqlx::Error>, Elapsed>) -> Result<T, Error> {
        let Ok(answer) = answer else {
            self.silence.noticed();
            drop(self.connection.take().map(PoolConnection::detach));
            return Err(Error::Unanswered(self.limits.answer()));
        };
        self.is_busy = false;
        Ok(answer?)
    }

    /// Runs statements without values.
    pub(crate) async fn run(&mut self, statements: &str) -> Result<(), Error> {
        let (connection, within) = self.begin()?;
        let answer = timeout(within, connection.execute(statements)).await;
        self.settle(answer).map(drop)
    }

    /// Ends the transaction with `COMMIT` or `ROLLBACK`.
    pub(crate) async fn end(mut self, statement: &str) -> Result<(), Error> {
        self.run(statement).await?;
        self.in_transaction = false;
        Ok(())
    }

    /// Lets this transaction keep to other limits.
    pub(crate) async fn keep_to(&mut self, limits: Limits) -> Result<(), Error> {
        let set: String =
            limits.settings().iter().map(|(name, value)| format!("SET LOCAL {name} = '{value}';")).collect();
        self.run(&set).await?;
        self.limits = limits;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        match Handle::try_current() {
            Ok(runtime) if !(self.is_busy && self.in_transaction) => {
                let returned = give_back(connection, self.in_transaction, self.is_busy, self.silence.clone());
                drop(runtime.spawn(returned));
            }
            _ => drop(connection.detach()),
        }
    }
}

/// Returns a connection to its pool, or closes it when that takes too long.
async fn give_back(mut connection: PoolConnection<Postgres>, in_transaction: bool, is_busy: bool, silence: Silence) {
    if in_transaction {
        match timeout(SIGN_OF_LIFE, connection.execute("ROLLBACK")).await {
            Ok(Ok(_)) => (),
            Ok(Err(_)) => return drop(connection.detach()),
            Err(_) => {
                silence.noticed();
                return drop(connection.detach());
            }
        }
    }
    // sqlx's own way back, which drops the connection when it is dropped itself.
    let returned = timeout(SIGN_OF_LIFE, connection.return_to_pool()).await;
    // The server may well be at work on what was cancelled.
    if returned.is_err() && !is_busy {
        silence.noticed();
    }
}

#[cfg(test)]
mod tests {
    use super::postgres_options;
    use crate::Limits;

    #[test]
    fn sessions_have_the_name_that_the_url_gives_them() {
        for (url, want) in
            [("postgres://h/d?application_name=worker-1", "worker-1"), ("postgres://h/d?sslmode=disable", "chatchit")]
        {
            let options = postgres_options(url, "public", Limits::INTERACTIVE).unwrap();
            assert_eq!(options.get_application_name(), Some(want));
        }
    }
}
