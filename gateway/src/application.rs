//! The composition: builds the server from its configuration, runs it, and takes it down in order.

pub(crate) use crate::clock::clock;
use crate::{
    App, Config,
    answers::Answers,
    app::Parts,
    audit::HeadKey,
    auth::Tokens,
    background::{Background, Shared},
    bootstrap::Bootstrap,
    calls::SignalRates,
    compute::Compute,
    config::Role,
    engines,
    files::Files,
    hub::{Hub, HubSettings},
    limits::Limits,
    presence::{Circle, Here, Presences, Signals},
    rest, serve,
    sio::Sessions,
    standing::Standing,
    supervisor::Supervisor,
    turns::{Room, Turns},
    typing::Typewriters,
    upkeep::Upkeep,
};
use axum::Router;
use blobs::Blobs;
use broker::BrokerError;
use commands::{CommandSettings, Commands};
use event_store::{CommittedBatch, EventStore, Keys, ReadError, Settings};
use graph::{CacheSettings, Cached, GraphError};
use projections::{PresenceStore, Queries, audit::AuditIndex};
use sql::Database;
use std::{io, net::SocketAddr, os::unix::fs::DirBuilderExt, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::mpsc, time::timeout};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use uuid::Uuid;

/// Partitions of a new log.
const PARTITIONS: u16 = 16;
/// Reading connections to each place.
const CONNECTIONS: u32 = 8;
/// Connections to the read models for those who keep them.
const RESERVED: u32 = 4;
/// Costly queries at once: half of the connections stay for all else.
const COSTLY: Room = Room { all: CONNECTIONS as usize / 2, share: 2, line: 30, within: Duration::from_secs(5) };
/// Over which time sockets are closed, so that their clients do not all come back at once.
const DRAIN_OVER: Duration = Duration::from_secs(1);
/// How long sockets and requests may take to end.
const DRAIN_WITHIN: Duration = Duration::from_secs(15);
/// How long all of the end may take, whatever an engine does.
const END_WITHIN: Duration = Duration::from_secs(20);

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {0}: {1}")]
    Bind(String, io::Error),
    /// The data folder cannot be used.
    #[error("the data folder cannot be used: {0}")]
    Data(io::Error),
    /// The log cannot be opened.
    #[error("the log cannot be opened: {0}")]
    Log(#[from] ReadError),
    /// The read models cannot be opened.
    #[error("the read models cannot be opened: {0}")]
    ReadModels(#[from] sql::Error),
    /// `RABBITMQ_URL` cannot be used.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// Where files are kept cannot be used.
    #[error(transparent)]
    Files(#[from] blobs::BlobError),
    /// `REDIS_URL` cannot be used.
    #[error("the graph cannot be used: {0}")]
    Graph(#[from] GraphError),
}

/// Why the server ended although nobody told it to.
#[derive(Debug, thiserror::Error)]
#[error("a task that the server cannot do without died: {0}")]
pub struct Died(String);

/// A server that listens, and serves once it runs.
pub struct Application {
    app: App,
    routes: Router,
    listener: TcpListener,
    address: SocketAddr,
    read_models: Database,
    background: Background,
}

impl Application {
    /// Opens everything, and begins to listen. With port 0 a free one is taken.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn build(config: Config) -> Result<Self, StartError> {
        // First of all: a second server on the same place stops here.
        let wanted = format!("{}:{}", config.host, config.port);
        let bind = |error| StartError::Bind(wanted.clone(), error);
        let listener = TcpListener::bind((config.host.as_str(), config.port)).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;

        let (store, commits) = open_log(&config).await?;
        let read_models = Database::connect(&config.read_location(), CONNECTIONS).await?;
        read_models.migrate(projections::migrator(read_models.engine())).await?;
        // Whoever keeps the read models does not wait behind those who read them.
        let reserved = Database::connect_for(&config.read_location(), RESERVED, sql::Limits::WORKER).await?;
        let broker = engines::broker(&config, &store)?;
        let commands = Commands::new(store.clone(), command_settings(&config));
        let queries = Queries::new(read_models.clone());
        let hub = Hub::open(store.clone(), queries.clone(), config.hub).await?;
        let graph = Cached::new(engines::graph(&config, &store)?, CacheSettings::default(), hub.marks().high);

        let leases = config.redis_url.is_some().then(|| graph.clone());
        let clock = config.clock;
        let signals = Signals::new(broker.clone(), leases.clone(), commands.clone());
        let here = Here::new(leases.map(|graph| graph.graph().clone()), broker.node());
        let circle = Circle::new(graph.clone(), queries.clone(), here.clone());
        let HubSettings { lease, presence_grace, .. } = config.hub;
        let presences = Presences::new(
            circle,
            here,
            PresenceStore::new(read_models.clone()),
            signals.clone(),
            clock,
            [lease, presence_grace],
        );
        presences.set_clock().await?;
        let typing = Typewriters::new(signals.clone(), presences.clone(), clock);

        let compute = Compute::default();
        let limits = limits(&config, &graph);
        let blobs = Blobs::connect(&config.files_place())?;
        let files = Files::new(blobs, config.files.clone(), compute.clone(), limits.clone(), clock, ids);

        let shared = Shared {
            store: store.reserved(),
            read_models: reserved,
            broker: broker.clone(),
            graph: graph.clone(),
            commands: commands.clone(),
            hub: hub.clone(),
            presences: presences.clone(),
            typing: typing.clone(),
            files: files.clone(),
        };
        let supervisor = Supervisor::default();
        let background = Background::start(&config, shared, supervisor.clone(), commits).await?;
        let progress = background.progress();
        let standing = Standing::default();
        background.look_at(&standing, (config.role != Role::Worker).then(|| hub.clone())).await;
        presences.wait_for(progress.clone());
        let upkeep = Upkeep::new(store.clone(), read_models.clone(), config.read_location(), clock);
        let key = config.master_key().map_err(StartError::Data)?;
        let app = App::new(Parts {
            tokens: tokens(&config)?,
            bootstrap: Bootstrap::new(key, store.incarnation()),
            limits,
            compute,
            turns: Turns::new(COSTLY),
            answers: Answers::default(),
            forwarding: rest::Forwarding::default(),
            signal_rates: SignalRates::default(),
            audit: AuditIndex::new(read_models.clone()),
            heads: HeadKey::new(&config.audit_key().map_err(StartError::Data)?.0),
            queries,
            presences,
            signals,
            typing,
            commands,
            progress,
            standing,
            supervisor,
            upkeep,
            store,
            broker,
            graph,
            hub,
            polled: Sessions::default(),
            files,
            clock: config.clock,
            config,
            ids,
        });
        let routes = rest::routes(&app);
        Ok(Self { app, routes, listener, address, read_models, background })
    }

    /// The address it listens on.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The running parts.
    #[must_use]
    pub const fn app(&self) -> &App {
        &self.app
    }

    /// Serves until `shutdown`, then ends in order: no more connections, sockets told to come back, requests
    /// finished, workers stopped. That takes 20 s at most, whatever an engine does.
    ///
    /// # Errors
    /// [`Died`]: it ended by itself.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), Died> {
        let Self { app, routes, listener, read_models, background, .. } = self;
        let stop = shutdown.child_token();
        let (failing, failed) = (app.supervisor.clone(), stop.clone());
        let watching = AbortOnDropHandle::new(tokio::spawn(async move {
            failing.failed().await;
            failed.cancel();
        }));
        let connections = serve::serve(listener, routes, &app.config, stop).await;
        drop(watching);
        tracing::info!("stopping: finishing requests and sending sockets away");
        let ending = async {
            let ended = futures_util::future::join(app.hub.drain(DRAIN_OVER), connections.wait());
            if timeout(DRAIN_WITHIN, ended).await.is_err() {
                tracing::warn!("some connections did not end in time");
            }
            // Side by side: what one engine holds up is not waited for before the others.
            futures_util::future::join(app.upkeep.end(), background.end()).await;
            read_models.close().await;
        };
        if timeout(END_WITHIN, ending).await.is_err() {
            tracing::warn!("an engine does not answer; what was under way is left, and the process ends");
        }
        app.supervisor.fatal().map_or(Ok(()), |why| Err(Died(why)))
    }
}

/// Opens the log that the configuration names, making it when there is none.
///
/// # Errors
/// [`StartError`].
pub async fn open_log(config: &Config) -> Result<(EventStore, mpsc::Receiver<Arc<CommittedBatch>>), StartError> {
    let mut folder = std::fs::DirBuilder::new();
    folder.recursive(true).mode(0o700).create(&config.data).map_err(StartError::Data)?;
    let settings = Settings {
        location: config.log_location(),
        connections: CONNECTIONS,
        partitions: PARTITIONS,
        keys: Keys { master: config.master_key().map_err(StartError::Data)?.0 },
        clock: config.clock,
    };
    Ok(EventStore::open(settings).await?)
}

/// What the write side takes from the configuration.
#[must_use]
pub fn command_settings(config: &Config) -> CommandSettings {
    CommandSettings {
        clock: config.clock,
        ids,
        password_cost: config.password_cost,
        limits: config.rate_limits,
        refresh_ttl_ms: millis(config.refresh_expired),
        refresh_grace_ms: millis(config.refresh_grace),
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// The budgets: common to all nodes where Redis is, none when they are switched off.
fn limits(config: &Config, graph: &Cached) -> Limits {
    match config.rate_limits {
        true => Limits::new(config.redis_url.is_some().then(|| graph.graph().clone()), clock),
        false => Limits::off(),
    }
}

fn tokens(config: &Config) -> Result<Tokens, StartError> {
    let secret = config.access_secret().map_err(StartError::Data)?;
    let previous: Vec<_> = config.previous_secrets.iter().map(|secret| secret.bytes().to_vec()).collect();
    Ok(Tokens::new(secret.bytes(), &previous, config.access_expired))
}

#[expect(clippy::disallowed_methods, reason = "the composition root is where ids come from")]
pub(crate) fn ids() -> Uuid {
    Uuid::now_v7()
}
