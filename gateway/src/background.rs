//! What runs beside the doors, by the process's role: the feed of the sockets, the read models, the reactors, the
//! graph.

use crate::{
    build,
    requirements::{CHECKPOINTS, LEASING},
    start_error::StartError,
};
use broker::Broker;
use commands::Commands;
use config::{Config, Live, Role};
use domain::{Event, Timestamp, user::UserEvent};
use event_store::{CommittedBatch, EventStore, RecordedEvent};
use files::Files;
use graph::{Cached, Change, Relation, changes};
use jobs::{
    CallJobs, Checkpoints, CompleteErasures, DropDisconnected, ExpireStories, FeedGraph, FileGc, IndexLog, IndexWords,
    Job, Purge, React, Reactor, TimeOutCalls,
};
use metrics::counter;
use monitoring::{
    Identity, Publisher,
    alerts::{PostAlerts, WatchAlerts},
};
use operations::{App, StallWatcher, Stalled, log_lost_its_end};
use projections::{
    Erasures, Owner, Progress, Queries, SingletonJob, WordIndex, Worker, WorkerSettings, audit::AuditIndex,
    graph_feed::GraphFeedSettings,
};
use realtime::{
    hub::Hub,
    presence::{PresencePublisher, Presences, maintain_leases, recheck_watches},
    typing::TypingIndicators,
};
use sockets::peers::Peers;
use sql::{Database, Engine, Limits};
use std::{sync::Arc, time::Duration};
use supervisor::Supervisor;
use telemetry::Metrics;
use tokio::{
    sync::{Mutex, mpsc},
    time::interval,
};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

/// How long a worker's lease, or a job's, lasts.
const LEASE: Duration = Duration::from_secs(10);

/// What all of it works on: log and read models over connections of its own, not those of commands and queries.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) store: EventStore,
    pub(crate) read_models: Database,
    pub(crate) broker: Broker,
    pub(crate) graph: Cached,
    pub(crate) commands: Commands,
    pub(crate) hub: Hub,
    pub(crate) presences: Presences,
    pub(crate) typing: TypingIndicators,
    pub(crate) files: Files,
}

/// How long the start waits for the worker to begin.
const BEGIN: Duration = Duration::from_secs(2);

/// What runs beside the doors.
pub(crate) struct Background {
    progress: Progress,
    supervisor: Supervisor,
    shared: Shared,
    /// The read models over connections of those who lease.
    leasing: Database,
    owner: Uuid,
    /// Shows that this process lives, until all that it leases is given up.
    life: Option<Arc<Mutex<Owner>>>,
    _guard: DropGuard,
}

impl Background {
    /// Starts what the role asks for.
    pub(crate) async fn start(
        config: &Config,
        shared: Shared,
        supervisor: Supervisor,
        commits: mpsc::Receiver<Arc<CommittedBatch>>,
    ) -> Result<Self, StartError> {
        let leasing = match shared.read_models.engine() {
            // One file has one writer at a time, however many connections there are.
            Engine::Sqlite => shared.read_models.clone(),
            Engine::Postgres => Database::connect_for(&config.read_location(), LEASING, Limits::WORKER).await?,
        };
        let (owner, life, _guard) = (clock::new_id(), None, supervisor.guard());
        let progress = Progress::new(shared.store.clone(), shared.read_models.clone());
        let mut background = Self { progress, supervisor, shared, leasing, owner, life, _guard };
        let store = background.shared.store.clone();
        background.supervisor.exit_when("writer", async move { store.writer_died().await });
        background.supervisor.exit_when("log", log_lost_its_end(background.shared.store.clone()));
        let commits = Arc::new(Mutex::new(commits));
        background.spawn("publish", move |shared, stop| publish(Arc::clone(&commits), shared.broker, stop));
        if config.role != Role::Worker {
            background.serve_sockets(config.clock);
        }
        if config.role != Role::Gateway {
            background.show_life().await?;
            background.keep_read_models(config).await?;
            background.end_calls(config);
            background.complete_erasures(config);
            background.collect_files(config);
            background.purge();
            background.expire_stories(config);
            background.index_log();
            background.index_words();
        }
        background.feed_graph(config);
        if config.role != Role::Gateway {
            // So that a client that writes and reads right after the start does not wait for it.
            background.progress.wait_begun(BEGIN).await;
        }
        Ok(background)
    }

    /// How far the read models have come.
    pub(crate) fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Starts the task that detects stalls, after a first look.
    pub(crate) async fn look_at(&self, stalled: &Stalled, hub: Option<Hub>) {
        let (stalled, progress, store) = (stalled.clone(), self.progress(), self.shared.store.clone());
        let watcher = move || StallWatcher::new(stalled.clone(), progress.clone(), store.clone(), hub.clone());
        watcher().look().await;
        self.spawn("watch_stalls", move |_, stop| watcher().watch(stop));
    }

    /// Folds what metrics have gathered, so that it does not pile up when nobody reads them.
    pub(crate) fn keep_metrics(&self, metrics: Metrics) {
        self.spawn("metrics", move |_, stop| {
            let metrics = metrics.clone();
            async move {
                let mut ticks = interval(telemetry::UPKEEP);
                while stop.run_until_cancelled(ticks.tick()).await.is_some() {
                    metrics.keep();
                }
            }
        });
    }

    /// Publishes the figures of this process.
    pub(crate) fn publish_figures(&self, app: App, metrics: Metrics, identity: Identity) {
        let publisher = Publisher::new(app, metrics, self.shared.read_models.clone(), identity);
        self.spawn("figures", move |_, stop| publisher.clone().run(stop));
    }

    /// Raises and clears alerts, and posts them where a webhook is configured.
    pub(crate) fn watch_alerts(&self, config: &Config, live: Live) -> Result<(), StartError> {
        if config.role == Role::Gateway {
            return Ok(());
        }
        let Shared { read_models, broker, commands, .. } = self.shared.clone();
        let (settings, clock) = (config.monitoring, config.clock);
        if let Some(webhook) = config.alert_webhook.clone() {
            self.hold(PostAlerts::new(read_models.clone(), settings, webhook, clock).map_err(StartError::Webhook)?);
        }
        let (queries, posts) = (Queries::new(read_models.clone()), config.alert_webhook.is_some());
        let ids = clock::new_id;
        self.hold(WatchAlerts { read_models, settings, live, posts, broker, queries, commands, clock, ids });
        Ok(())
    }

    /// Has the other gateways know where this one is.
    pub(crate) fn keep_known(&self, peers: Peers) {
        self.spawn("peers", move |_, stop| peers.clone().keep(stop));
    }

    /// Stops it all, in order.
    pub(crate) async fn end(self) {
        self.supervisor.stop();
        self.supervisor.ended().await;
        drop(self.life);
        self.leasing.close().await;
        self.shared.read_models.close().await;
    }

    fn spawn<F: Future<Output = ()> + Send + 'static>(
        &self,
        name: impl Into<String>,
        mut task: impl FnMut(Shared, CancellationToken) -> F + Send + 'static,
    ) {
        let shared = self.shared.clone();
        self.supervisor.spawn(name, move |stop| task(shared.clone(), stop));
    }

    /// Does a job whenever this process has its lease.
    fn hold(&self, job: impl Job) {
        let name = job.name();
        let lease = SingletonJob { database: self.leasing.clone(), owner: self.owner, lease: LEASE };
        self.spawn(format!("job:{name}"), move |_, stop| {
            let (lease, name, job) = (lease.clone(), name.clone(), job.clone());
            async move { lease.hold(&name, stop, move |token| job.clone().run(token)).await }
        });
    }

    /// Shows the others that this process lives, so that they take what it leased as soon as it does not; and takes what
    /// dead ones left.
    async fn show_life(&mut self) -> Result<(), StartError> {
        let owner = Arc::new(Mutex::new(Owner::begin(self.leasing.clone(), self.owner).await?));
        self.life = Some(Arc::clone(&owner));
        self.spawn("owner", move |_, stop| {
            let owner = Arc::clone(&owner);
            async move { owner.lock().await.keep(&stop).await }
        });
        Ok(())
    }

    /// Feeds the sockets of this process with events and signals, and says who is here.
    fn serve_sockets(&self, clock: fn() -> Timestamp) {
        self.spawn("hub", |Shared { hub, broker, commands, graph, presences, typing, .. }, stop| async move {
            let observe = |event: &RecordedEvent, opened: Option<&Event>| {
                commands.observe(event);
                if let Some(Event::User(UserEvent::Erased)) = opened {
                    presences.forget(event.record.aggregate_id.into());
                }
                if let Some(Event::User(UserEvent::Blocked)) = opened {
                    presences.evict(event.record.aggregate_id.into());
                }
                let changes = opened.map(|opened| changes(opened, event.record.aggregate_id));
                for change in changes.iter().flatten() {
                    graph.observe(event.record.position, change);
                    if let Change { relation: Relation::Member { conversation, user }, holds: false } = change {
                        typing.leave(*conversation, *user);
                    }
                }
            };
            hub.follow(&broker, observe, stop).await;
        });
        self.spawn("relay", move |Shared { hub, broker, presences, .. }, stop| async move {
            hub.relay(&broker, |signal| presences.receive(signal), clock, stop).await;
        });
        self.spawn("presence", |Shared { hub, graph, presences, .. }, stop| {
            maintain_leases(presences, hub, graph.graph().clone(), stop)
        });
        self.spawn("publish_presence", |Shared { presences, .. }, stop| PresencePublisher::new(presences).run(stop));
        self.spawn("recheck_watches", |Shared { hub, presences, .. }, stop| recheck_watches(presences, hub, stop));
        self.spawn("typing", |Shared { hub, typing, .. }, stop| typing.run(hub, stop));
    }

    /// Folds the log into the read models, and does what follows from events.
    async fn keep_read_models(&self, config: &Config) -> Result<(), StartError> {
        let Shared { store, broker, read_models, .. } = &self.shared;
        let settings = WorkerSettings {
            store: store.clone(),
            broker: broker.clone(),
            database: read_models.clone(),
            leases_in: Some(self.leasing.clone()),
            owner: self.owner,
            lease: LEASE,
            clock: clock::now,
            build: build::name(),
        };
        let progress = self.progress.clone();
        self.spawn("worker", move |_, stop| Worker::run(settings.clone(), progress.clone(), stop));
        let database = Database::connect_for(&config.log_location(), CHECKPOINTS, Limits::WORKER).await?;
        let checkpoints = Checkpoints::new(database).of_build(&build::name());
        for reactor in Reactor::ALL {
            let Shared { broker, commands, .. } = self.shared.clone();
            self.hold(React { reactor, commands, broker, checkpoints: checkpoints.clone() });
        }
        Ok(())
    }

    /// Ends what nobody ends: calls that ring for too long, and being in one without a socket.
    fn end_calls(&self, config: &Config) {
        let Shared { read_models, commands, graph, .. } = self.shared.clone();
        let (queries, graph) = (Queries::new(read_models), graph.graph().clone());
        let jobs = CallJobs { queries, commands, graph, settings: config.calls, clock: clock::now };
        self.hold(TimeOutCalls(jobs.clone()));
        if config.knows_who_is_here() {
            self.hold(DropDisconnected(jobs));
        }
    }

    /// Takes what those who were erased had written out of the read models.
    fn complete_erasures(&self, config: &Config) {
        let erasures = Erasures::new(self.shared.read_models.clone());
        self.hold(CompleteErasures {
            erasures,
            progress: self.progress(),
            file_gc: self.file_gc(config),
            clock: clock::now,
        });
    }

    /// Removes files to which nothing refers.
    fn collect_files(&self, config: &Config) {
        self.hold(self.file_gc(config));
    }

    /// Removes keys, tokens and sessions that have expired.
    fn purge(&self) {
        let Shared { store, commands, .. } = self.shared.clone();
        self.hold(Purge { store, commands });
    }

    fn file_gc(&self, config: &Config) -> FileGc {
        let Shared { store, read_models, commands, files, .. } = self.shared.clone();
        let progress = Progress::new(store.clone(), read_models.clone());
        let (blobs, settings, clock) = (files.blobs().clone(), config.files.clone(), config.clock);
        FileGc { blobs, settings, clock, queries: Queries::new(read_models), progress, commands, store }
    }

    /// Ends stories whose time is over.
    fn expire_stories(&self, config: &Config) {
        let Shared { read_models, commands, .. } = self.shared.clone();
        self.hold(ExpireStories { queries: Queries::new(read_models), commands, clock: config.clock });
    }

    /// Fills the audit index.
    fn index_log(&self) {
        let Shared { store, read_models, .. } = self.shared.clone();
        self.hold(IndexLog { index: AuditIndex::new(read_models), store });
    }

    /// Indexes anew what an older build indexed.
    fn index_words(&self) {
        self.hold(IndexWords(WordIndex::new(self.shared.read_models.clone())));
    }

    /// Keeps the graph: one in memory in each process that has sockets, one in Redis by one worker at a time.
    fn feed_graph(&self, config: &Config) {
        let Shared { store, broker, read_models, graph, .. } = self.shared.clone();
        let graph = graph.graph().clone();
        let build = build::name();
        let clock = clock::now;
        let feed = FeedGraph(GraphFeedSettings { store, broker, database: read_models, graph, clock, build });
        if config.redis_url.is_none() {
            if config.role != Role::Worker {
                self.spawn("graph", move |_, stop| feed.clone().run(stop));
            }
        } else if config.role != Role::Gateway {
            self.hold(feed);
        }
    }
}

/// Hands what this process commits to the broker, until the log's writer is gone or `stop`.
async fn publish(commits: Arc<Mutex<mpsc::Receiver<Arc<CommittedBatch>>>>, broker: Broker, stop: CancellationToken) {
    let mut commits = commits.lock().await;
    while let Some(Some(batch)) = stop.run_until_cancelled(commits.recv()).await {
        for linked in &batch.events {
            let record = &linked.event.record;
            counter!("chatchit_events_total", "type" => record.event_type.clone()).increment(1);
            let partition = record.lane.partition.0.to_string();
            let tier = record.lane.tier.as_str();
            counter!("chatchit_lane_events_total", "tier" => tier, "partition" => partition).increment(1);
        }
        broker.publish(&batch);
    }
}
