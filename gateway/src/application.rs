//! The composition: builds the server from its configuration, runs it, and takes it down in order.

use crate::{
    background::{Background, Shared},
    engines,
    requirements::{self, QUERIES, RESERVED},
    routes,
    start_error::StartError,
};
use audit::HeadKey;
use axum::Router;
use blobs::Blobs;
use commands::{CommandSettings, Commands, PasswordCost};
use config::{Config, Live, Role, SocketSettings};
use event_store::{CommittedBatch, EventStore, Keys, Settings};
use files::Files;
use graph::{CacheSettings, Cached};
use limits::{Compute, Limits, Room, Turns};
use metrics::gauge;
use monitoring::{Identity, Monitoring};
use operations::{App, Operations, Registry, SignalRates, Stalled, app::Parts, connection::Forwarding, upkeep::Upkeep};
use projections::{PresenceStore, Queries, audit::AuditIndex};
use realtime::{
    SignalRouter,
    hub::Hub,
    presence::{ConnectionRegistry, PresenceAudience, Presences},
    typing::TypingIndicators,
};
use rest::{Answers, Bootstrap, HttpApp, HttpParts};
use sockets::{
    SocketApp,
    peers::{Peers, advertised},
    session::Commands as SocketCommands,
    sio::Sessions,
};
use sql::{Database, Exclusive};
use std::{net::SocketAddr, os::unix::fs::DirBuilderExt, sync::Arc, time::Duration};
use supervisor::Supervisor;
use telemetry::Metrics;
use tokens::Tokens;
use tokio::{net::TcpListener, sync::mpsc, time::timeout};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use uuid::Uuid;

/// Partitions of a new log.
const PARTITIONS: u16 = 16;
/// Costly queries at once: half of the connections stay for all else.
const COSTLY: Room = Room { all: QUERIES as usize / 2, share: 2, line: 30, within: Duration::from_secs(5) };
/// Over which time sockets are closed, so that their clients do not all come back at once.
const DRAIN_OVER: Duration = Duration::from_secs(1);
/// How long sockets and requests may take to end.
const DRAIN_WITHIN: Duration = Duration::from_secs(15);
/// How long all of the end may take, whatever an engine does.
const END_WITHIN: Duration = Duration::from_secs(20);

/// Why the server ended without a shutdown.
#[derive(Debug, thiserror::Error)]
#[error("a task that the server cannot do without died: {0}")]
pub struct Died(String);

/// A server that listens, and serves once it runs.
pub struct Application {
    app: HttpApp,
    peers: Peers,
    routes: Router,
    listener: TcpListener,
    address: SocketAddr,
    read_models: Database,
    background: Background,
    /// Keeps other servers from the embedded databases.
    _alone: Option<Exclusive>,
}

impl Application {
    /// Opens everything, and begins to listen. With port 0 a free one is taken.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn build(config: Config) -> Result<Self, StartError> {
        Self::build_with::<Operations>(config).await
    }

    /// Does the same, with the operations of `R` at both doors.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn build_with<R: Registry>(config: Config) -> Result<Self, StartError> {
        let (listener, address) = listen(&config).await?;
        Self::on::<R>(config, listener, address, None).await
    }

    /// Does the same as [`build`](Self::build), and refuses when another server works on the same embedded databases.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn build_alone(config: Config) -> Result<Self, StartError> {
        let (listener, address) = listen(&config).await?;
        let alone = alone(&config).await?;
        Self::on::<Operations>(config, listener, address, alone).await
    }

    async fn on<R: Registry>(
        config: Config,
        listener: TcpListener,
        address: SocketAddr,
        alone: Option<Exclusive>,
    ) -> Result<Self, StartError> {
        requirements::check(&config).await?;
        let data = |error| StartError::Data(config.data.clone(), error);
        // Before the parts, which resolve the handles of what they count often.
        let metrics = Metrics::install()?;
        gauge!("chatchit_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        let (store, commits) = open_log(&config).await?;
        let read_models = open_read_models(&config).await?;
        if config.database_url.is_some() {
            gauge!("chatchit_sql_connections_max").set(f64::from(requirements::connections(config.role)));
            requirements::compare_all(&config, &read_models, &Identity::instance(address.port())).await;
        }
        // The workers of the read models do not wait behind queries.
        let reserved = Database::connect_for(&config.read_location(), RESERVED, sql::Limits::WORKER).await?;
        let broker = engines::broker(&config, &store)?;
        let commands = Commands::new(store.clone(), command_settings(&config));
        let queries = Queries::new(read_models.clone());
        let hub = Hub::open(store.clone(), queries.clone(), config.sockets).await?;
        let graph = Cached::new(engines::graph(&config, &store)?, CacheSettings::default(), hub.marks().high);

        let leases = config.redis_url.is_some().then(|| graph.clone());
        let clock = config.clock;
        let signals = SignalRouter::new(broker.clone(), leases.clone(), commands.clone());
        let connections = ConnectionRegistry::new(leases.map(|graph| graph.graph().clone()), broker.node());
        let audience = PresenceAudience::new(graph.clone(), queries.clone(), connections.clone());
        let SocketSettings { lease, presence_grace, signals_worth, .. } = config.sockets;
        let presences = Presences::new(
            audience,
            connections,
            PresenceStore::new(read_models.clone()),
            signals.clone(),
            clock,
            [lease, presence_grace, signals_worth],
        );
        presences.set_clock().await?;
        let typing = TypingIndicators::new(signals.clone(), presences.clone(), clock, signals_worth);

        let compute = Compute::default();
        let limits = limits(&config, &graph);
        let blobs = Blobs::connect(&engines::files(&config))?;
        let files = Files::new(blobs, config.files.clone(), compute.clone(), limits.clone(), clock, clock::new_id);

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
        let stalled = Stalled::default();
        background.keep_metrics(metrics.clone());
        background.look_at(&stalled, (config.role != Role::Worker).then(|| hub.clone())).await;
        presences.wait_for(progress.clone());
        let polled = Sessions::new(broker.node(), &store, &config.sockets, config.patience);
        let peers = Peers::new(
            read_models.clone(),
            broker.node(),
            advertised(&config, address).await,
            config.sockets.passed_on,
        );
        if config.role != Role::Worker {
            peers.begin().await;
            background.keep_known(peers.clone());
        }
        let node = broker.node();
        let upkeep = Upkeep::new(store.clone(), read_models.clone(), config.read_location(), clock);
        let key = config.master_key().map_err(data)?;
        let bootstrap = Bootstrap::new(key, store.incarnation());
        let app = App::new(Parts {
            tokens: tokens(&config)?,
            limits,
            compute,
            turns: Turns::new(COSTLY),
            forwarding: Forwarding::default(),
            signal_rates: SignalRates::default(),
            audit: AuditIndex::new(read_models.clone()),
            heads: HeadKey::new(&config.audit_key().map_err(data)?.0),
            queries,
            presences,
            signals,
            typing,
            commands,
            progress,
            stalled,
            supervisor,
            upkeep,
            store,
            broker,
            graph,
            hub,
            clock: config.clock,
            live: Live::of(&config),
            config,
            ids: clock::new_id,
        });
        let sockets =
            SocketApp { app: app.clone(), polled, peers: peers.clone(), socket_commands: SocketCommands::of::<R>() };
        background.publish_figures(app.clone(), metrics.clone(), identity(&app.config, node, address));
        background.watch_alerts(&app.config, app.live.clone())?;
        let (answers, monitoring) = (Answers::default(), Monitoring::new(read_models.clone()));
        let app = HttpApp::new(HttpParts { app, answers, bootstrap, metrics, monitoring, files });
        let routes = routes::routes::<R>(&app, sockets);
        Ok(Self { app, peers, routes, listener, address, read_models, background, _alone: alone })
    }

    /// The address it listens on.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The running parts.
    #[must_use]
    pub const fn app(&self) -> &HttpApp {
        &self.app
    }

    /// Serves until `shutdown`, then ends in order: accepts no more connections, asks sockets to resume elsewhere,
    /// finishes requests, stops workers. That takes 20 s at most, whatever an engine does.
    ///
    /// # Errors
    /// [`Died`]: it ended by itself.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), Died> {
        let Self { app, peers, routes, listener, read_models, background, .. } = self;
        let stop = shutdown.child_token();
        let (failing, failed) = (app.supervisor.clone(), stop.clone());
        let watching = AbortOnDropHandle::new(tokio::spawn(async move {
            failing.failed().await;
            failed.cancel();
        }));
        let connections = {
            let peers = peers.clone();
            rest::serve(listener, routes, &app.config, move |address| peers.has(address), stop).await
        };
        drop(watching);
        peers.end();
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
    make_data_folder(config)?;
    let data = |error| StartError::Data(config.data.clone(), error);
    let settings = Settings {
        location: config.log_location(),
        connections: QUERIES,
        partitions: PARTITIONS,
        keys: Keys { master: config.master_key().map_err(data)?.0 },
        clock: config.clock,
    };
    EventStore::open(settings).await.map_err(|error| StartError::Log(config.database_place(), error))
}

/// Opens the read models, making them when there are none.
///
/// # Errors
/// [`StartError`].
pub async fn open_read_models(config: &Config) -> Result<Database, StartError> {
    let opened = async {
        let read_models = Database::connect(&config.read_location(), QUERIES).await?;
        read_models.migrate(projections::migrator(read_models.engine())).await?;
        Ok(read_models)
    };
    opened.await.map_err(|error| StartError::ReadModels(config.database_place(), error))
}

/// First of all: a second server on the same address stops here.
async fn listen(config: &Config) -> Result<(TcpListener, SocketAddr), StartError> {
    let bind = |error| StartError::Bind(format!("{}:{}", config.host, config.port), error);
    let listener = TcpListener::bind((config.host.as_str(), config.port)).await.map_err(bind)?;
    let address = listener.local_addr().map_err(bind)?;
    Ok((listener, address))
}

/// The right to serve from the embedded databases: each process would keep presence, typing and relations to itself.
async fn alone(config: &Config) -> Result<Option<Exclusive>, StartError> {
    if config.database_url.is_some() {
        return Ok(None);
    }
    make_data_folder(config)?;
    let log = config.log_location();
    let taken =
        Exclusive::take(&log, "server").await.map_err(|error| StartError::Log(config.database_place(), error.into()));
    taken?.map(Some).map_err(|_| StartError::Taken(config.data.clone()))
}

fn make_data_folder(config: &Config) -> Result<(), StartError> {
    let mut folder = std::fs::DirBuilder::new();
    let made = folder.recursive(true).mode(0o700).create(&config.data);
    made.map_err(|error| StartError::Data(config.data.clone(), error))
}

/// What the write side takes from the configuration.
#[must_use]
pub fn command_settings(config: &Config) -> CommandSettings {
    let config::PasswordCost { memory_kib, iterations, parallelism } = config.password_cost;
    CommandSettings {
        clock: config.clock,
        ids: clock::new_id,
        password_cost: PasswordCost { memory_kib, iterations, parallelism },
        limits: config.rate_limits,
        refresh_ttl_ms: millis(config.refresh_expired),
        refresh_grace_ms: millis(config.refresh_grace),
        reachable_by: config.reachable_by,
        link_hosts: config.link_hosts.clone(),
    }
}

/// Under which name this process publishes its figures.
fn identity(config: &Config, process: Uuid, address: SocketAddr) -> Identity {
    let role = match config.role {
        Role::All => "all",
        Role::Gateway => "gateway",
        Role::Worker => "worker",
    };
    Identity { process, instance: Identity::instance(address.port()), role, build: env!("CARGO_PKG_VERSION") }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// The budgets: common to all nodes where Redis is, none when they are switched off.
fn limits(config: &Config, graph: &Cached) -> Limits {
    match config.rate_limits {
        true => Limits::new(config.redis_url.is_some().then(|| graph.graph().clone()), clock::now),
        false => Limits::off(),
    }
}

fn tokens(config: &Config) -> Result<Tokens, StartError> {
    let secret = config.access_secret().map_err(|error| StartError::Data(config.data.clone(), error))?;
    let previous: Vec<_> = config.previous_secrets.iter().map(|secret| secret.bytes().to_vec()).collect();
    Ok(Tokens::new(secret.bytes(), &previous, config.access_expired))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_costs_by_default_what_the_write_side_recommends() {
        assert_eq!(command_settings(&Config::default()).password_cost, PasswordCost::default());
    }
}
