//! The connection: opened in the background, checked, and replaced when it breaks or falls silent.
//!
//! The connection manager of `redis` replaces a connection only when it is known to be broken. In a network that drops packets
//! that takes many minutes, so this one is also replaced when it does not answer.

use crate::{GraphError, Health, Stats};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, Pipeline, RedisError, RedisResult, ServerErrorKind, Value,
    aio::MultiplexedConnection,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use supervisor::Supervisor;
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};
use tokio_util::sync::DropGuard;

/// How long an answer may take.
const WITHIN: Duration = Duration::from_millis(900);
/// The interval of pings on an idle connection.
const LOOK: Duration = Duration::from_millis(500);
/// The pauses between attempts to connect.
const PAUSES: [Duration; 3] = [Duration::from_millis(50), Duration::from_millis(200), Duration::from_millis(500)];

/// The connection to Redis. It is closed when dropped.
pub(super) struct Link {
    state: watch::Receiver<State>,
    shared: Arc<Shared>,
    supervisor: Supervisor,
    _stopped_with: DropGuard,
}

#[derive(Clone)]
enum State {
    /// The first attempt is under way.
    Connecting(Instant),
    Up(MultiplexedConnection),
    Down(Instant, Arc<str>),
}

#[derive(Default)]
struct Shared {
    /// A command failed: ping the connection at once.
    doubt: Notify,
    /// The server is read-only: the name may lead to another server now.
    refused: Notify,
    commands: AtomicU64,
    round_trips: AtomicU64,
    failed: AtomicU64,
    timed_out: AtomicU64,
    scripts_sent: AtomicU64,
    connections: AtomicU64,
}

impl Link {
    pub(super) fn new(client: Client) -> Self {
        let (state, states) = watch::channel(State::Connecting(Instant::now()));
        let shared = Arc::<Shared>::default();
        let supervisor = Supervisor::default();
        let of_task = Arc::clone(&shared);
        supervisor.spawn_optional("redis.connection", move |stop| {
            let task = keep_connected(client.clone(), state.clone(), Arc::clone(&of_task));
            async move {
                stop.run_until_cancelled(task).await;
            }
        });
        Self { state: states, shared, _stopped_with: supervisor.guard(), supervisor }
    }

    pub(super) const fn supervisor(&self) -> &Supervisor {
        &self.supervisor
    }

    pub(super) fn health(&self) -> Health {
        match &*self.state.borrow() {
            State::Up(_) => Health::Up,
            State::Connecting(since) => Health::Away { since: *since, why: "not connected yet".to_owned() },
            State::Down(since, why) => Health::Away { since: *since, why: why.to_string() },
        }
    }

    pub(super) fn stats(&self) -> Stats {
        let Shared { commands, round_trips, failed, timed_out, scripts_sent, connections, .. } = &*self.shared;
        Stats {
            commands: commands.load(Relaxed),
            round_trips: round_trips.load(Relaxed),
            failed: failed.load(Relaxed),
            timed_out: timed_out.load(Relaxed),
            scripts_sent: scripts_sent.load(Relaxed),
            reconnections: connections.load(Relaxed).saturating_sub(1),
        }
    }

    pub(super) fn sends_scripts(&self, count: usize) {
        tracing::debug!(calls = count, "Redis did not know scripts; sending their sources");
        self.shared.scripts_sent.fetch_add(count as u64, Relaxed);
    }

    /// Sends commands in one round trip; returns the result of each.
    pub(super) async fn send(&self, mut pipeline: Pipeline) -> Result<Vec<RedisResult<Value>>, GraphError> {
        pipeline.ignore_errors();
        let shared = &self.shared;
        shared.commands.fetch_add(pipeline.len() as u64, Relaxed);
        shared.round_trips.fetch_add(1, Relaxed);
        let answer = timeout(WITHIN, async {
            let mut connection = self.connection().await?;
            pipeline.query_async(&mut connection).await.map_err(|error| {
                shared.doubt.notify_one();
                unavailable(&error)
            })
        });
        let answer: Result<Vec<RedisResult<Value>>, GraphError> = answer.await.unwrap_or_else(|_| {
            shared.timed_out.fetch_add(1, Relaxed);
            shared.doubt.notify_one();
            Err(GraphError::Unavailable(SILENT.to_owned()))
        });
        let failed = answer.as_ref().map_or(true, |answers| answers.iter().any(|answer| self.is_fault(answer)));
        shared.failed.fetch_add(u64::from(failed), Relaxed);
        answer
    }

    /// Sends commands in one round trip; fails if one of them fails.
    pub(super) async fn ask(&self, pipeline: Pipeline) -> Result<Vec<Value>, GraphError> {
        let answers = self.send(pipeline).await?;
        answers.into_iter().map(|answer| answer.map_err(|error| unavailable(&error))).collect()
    }

    /// Sends one command.
    pub(super) async fn ask_one(&self, command: Cmd) -> Result<Value, GraphError> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.add_command(command);
        Ok(self.ask(pipeline).await?.pop().unwrap_or(Value::Nil))
    }

    async fn connection(&self) -> Result<MultiplexedConnection, GraphError> {
        let mut states = self.state.clone();
        let known = states.wait_for(|state| !matches!(state, State::Connecting(_))).await;
        match known.as_deref() {
            Ok(State::Up(connection)) => Ok(connection.clone()),
            Ok(State::Down(_, why)) => Err(GraphError::Unavailable(why.to_string())),
            Ok(State::Connecting(_)) | Err(_) => Err(GraphError::Unavailable("not connected".to_owned())),
        }
    }

    fn is_fault(&self, answer: &RedisResult<Value>) -> bool {
        match answer.as_ref().map_err(RedisError::kind) {
            Ok(_) | Err(ErrorKind::Server(ServerErrorKind::NoScript)) => false,
            Err(ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown)) => {
                self.shared.refused.notify_one();
                true
            }
            Err(_) => true,
        }
    }
}

const SILENT: &str = "no answer in time";

pub(super) fn unavailable(error: &RedisError) -> GraphError {
    GraphError::Unavailable(error.to_string())
}

async fn keep_connected(client: Client, state: watch::Sender<State>, shared: Arc<Shared>) {
    let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
    let mut attempt = 0;
    let mut since = Instant::now();
    let mut is_logged = false;
    loop {
        let connecting = client.get_multiplexed_async_connection_with_config(&config);
        let why = match timeout(WITHIN, connecting).await {
            Ok(Ok(connection)) => {
                tracing::info!("Connected to Redis");
                shared.connections.fetch_add(1, Relaxed);
                state.send_replace(State::Up(connection.clone()));
                let why = watch_over(connection, &shared).await;
                attempt = 0;
                since = Instant::now();
                is_logged = false;
                why
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => SILENT.to_owned(),
        };
        if !std::mem::replace(&mut is_logged, true) {
            tracing::warn!(error.cause = why, "Redis is unavailable");
        }
        state.send_replace(State::Down(since, why.into()));
        tokio::time::sleep(PAUSES[attempt.min(PAUSES.len() - 1)]).await;
        attempt += 1;
    }
}

/// Waits until the connection fails; returns the cause.
async fn watch_over(mut connection: MultiplexedConnection, shared: &Shared) -> String {
    loop {
        tokio::select! {
            () = shared.refused.notified() => return "the server is read-only".to_owned(),
            () = shared.doubt.notified() => (),
            () = tokio::time::sleep(LOOK) => (),
        }
        let ping = redis::cmd("PING");
        match timeout(WITHIN, ping.query_async::<Value>(&mut connection)).await {
            Ok(Ok(_)) => (),
            Ok(Err(error)) => return error.to_string(),
            Err(_) => return SILENT.to_owned(),
        }
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("health", &self.health()).finish_non_exhaustive()
    }
}
