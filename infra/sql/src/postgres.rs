//! Connections to Postgres, each wait for which is bounded.
//!
//! sqlx returns a connection to its pool by a round trip without a deadline: one with a silent server would occupy the pool for
//! ever. So connections are taken and returned here, each step with a deadline, and silent ones are closed at once.

use crate::{Error, Limits, error::counted, limits::ACQUIRE};
use metrics::{Histogram, counter, histogram};
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

/// How long a connection may take to answer a ping.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);

/// Options of all connections, in pools and outside: they keep to `limits`, and the server notices the loss of the client
/// within about 11 s when idle, and 10 s during a statement. Nothing is compiled: that takes 14 ms and more of a statement
/// that takes one, when the planner overestimates it. The session's name is the `application_name` of `url`, or `chatchit`.
/// Without a schema the search path is the server's default.
///
/// # Errors
/// When `url` is malformed.
pub fn postgres_options(url: &str, schema: Option<&str>, limits: Limits) -> Result<PgConnectOptions, Error> {
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
    if let Some(schema) = schema {
        options = options.options([("search_path", schema)]);
    }
    let options = options.options(limits.settings()).options(keep_alive).options([("jit", "off")]);
    Ok(options.statement_cache_capacity(256))
}

/// Connects, with a deadline.
async fn connect(options: &PgConnectOptions) -> Result<PgConnection, Error> {
    let connection = timeout(ACQUIRE, PgConnection::connect_with(options)).await;
    Ok(connection.map_err(|_| Error::Unanswered(ACQUIRE))??)
}

/// A connection outside the pools, with the server's default search path.
pub(crate) async fn connect_alone(url: &str) -> Result<PgConnection, Error> {
    connect(&postgres_options(url, None, Limits::INTERACTIVE)?).await
}

/// The answer over such a connection, if it arrives in time; otherwise the connection must not be used any more.
pub(crate) async fn answer_alone<T>(answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, Error> {
    let within = Limits::INTERACTIVE.answer();
    Ok(timeout(within, answer).await.map_err(|_| Error::Unanswered(within))??)
}

/// A pool. Clones share the connections.
#[derive(Clone, Debug)]
pub struct Connections {
    pool: PgPool,
    limits: Limits,
    silence: Silence,
    /// How long work waited for a connection.
    wait: Histogram,
}

/// When a server was last found silent: connections idle since before are discarded.
#[derive(Clone, Debug, Default)]
struct Silence(Arc<Mutex<Option<Instant>>>);

impl Silence {
    fn noticed(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether silence was noticed while a connection was idle for this long.
    fn is_within(&self, idle: Duration) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|at| at.elapsed() <= idle)
    }
}

impl Connections {
    /// How many are open, and how many of these are idle.
    pub(crate) fn connections(&self) -> (usize, usize) {
        (usize::try_from(self.pool.size()).unwrap_or(usize::MAX), self.pool.num_idle())
    }

    pub(crate) async fn open(url: &str, schema: &str, connections: u32, limits: Limits) -> Result<Self, Error> {
        let silence = Silence::default();
        let noticed = silence.clone();
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE)
            .test_before_acquire(false)
            .after_connect(|_, _| {
                counter!("chatchit_sql_connects_total").increment(1);
                Box::pin(async { Ok(()) })
            })
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
        let pool = pool.connect_with(postgres_options(url, Some(schema), limits)?).await?;
        Ok(Self { pool, limits, silence, wait: histogram!("chatchit_sql_wait_seconds") })
    }

    /// The pool itself, whose statements have no deadline.
    #[must_use]
    pub const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Takes a connection.
    pub(crate) async fn take(&self) -> Result<Held, Error> {
        let began = Instant::now();
        let connection = self.pool.acquire().await;
        self.wait.record(began.elapsed());
        let connection = Some(connection.map_err(counted)?);
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

    /// Opens a connection outside the pool.
    pub(crate) async fn connect(&self) -> Result<PgConnection, Error> {
        connect(&self.pool.connect_options()).await
    }

    /// A connection for migrations without timeouts: a statement may take long, and sqlx waits with a lock for other processes
    /// that migrate.
    pub(crate) async fn patient(&self) -> Result<PgPool, Error> {
        let options = (*self.pool.connect_options()).clone();
        let options = options.options([("statement_timeout", "0"), ("lock_timeout", "0")]);
        Ok(PgPoolOptions::new().max_connections(1).acquire_timeout(ACQUIRE).connect_with(options).await?)
    }

    /// Closes the pool; waits for running statements, but not for unanswered ones.
    pub(crate) async fn close(&self) {
        if timeout(self.limits.answer().min(ACQUIRE), self.pool.close()).await.is_err() {
            tracing::warn!("Connections to Postgres did not close in time and stay open");
        }
    }
}

/// A connection taken from a pool. Dropped, it is returned after a rollback of an open transaction. It is closed instead if it
/// was left in the middle of a transaction's statement, or if its server is silent.
pub struct Held {
    connection: Option<PoolConnection<Postgres>>,
    limits: Limits,
    silence: Silence,
    in_transaction: bool,
    is_busy: bool,
}

impl Held {
    /// The connection, and how long an answer may take. It counts as busy until [`Held::settle`], so that a cancelled wait is
    /// noticed.
    pub(crate) fn begin(&mut self) -> Result<(&mut PgConnection, Duration), Error> {
        self.is_busy = true;
        let connection = self.connection.as_deref_mut().ok_or(Error::Lost)?;
        Ok((connection, self.limits.answer()))
    }

    /// Takes the result of a wait; without an answer, closes the connection at once.
    pub(crate) fn settle<T>(&mut self, answer: Result<Result<T, sqlx::Error>, Elapsed>) -> Result<T, Error> {
        let Ok(answer) = answer else {
            self.silence.noticed();
            drop(self.connection.take().map(PoolConnection::detach));
            return Err(counted(Error::Unanswered(self.limits.answer())));
        };
        self.is_busy = false;
        answer.map_err(counted)
    }

    /// Runs statements without parameters.
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

    /// Changes the limits of this transaction.
    pub(crate) async fn set_limits(&mut self, limits: Limits) -> Result<(), Error> {
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
    // sqlx's own return, which drops the connection if it is cancelled.
    let returned = timeout(SIGN_OF_LIFE, connection.return_to_pool()).await;
    // The server may still be executing a cancelled statement.
    if returned.is_err() && !is_busy {
        silence.noticed();
    }
}

#[cfg(test)]
mod tests {
    use super::postgres_options;
    use crate::Limits;

    #[test]
    fn sessions_have_the_name_of_the_url() {
        for (url, want) in
            [("postgres://h/d?application_name=worker-1", "worker-1"), ("postgres://h/d?sslmode=disable", "chatchit")]
        {
            let options = postgres_options(url, Some("public"), Limits::INTERACTIVE).unwrap();
            assert_eq!(options.get_application_name(), Some(want));
        }
    }
}
