//! What runs beside the doors, by the process's role: the feed of the sockets, the read models, the reactors, the
//! graph.

use crate::{
    Config,
    application::{StartError, clock, ids},
    build,
    calls::CallDuties,
    config::Role,
    files::{Files, House},
    forgetting::Forgetting,
    hub::Hub,
    presence::{Presences, attend, settle_doubts},
    purge::Purge,
    standing::{Standing, Watcher},
    stories::StoryDuty,
    supervisor::Supervisor,
    typing::Typewriters,
};
use broker::{Broker, Interest};
use commands::{Commands, reactor};
use domain::{Event, Lane, Partition, Tier, Timestamp, user::UserEvent};
use event_store::{CommittedBatch, EventStore, RecordedEvent};
use graph::{Cached, Change, Relation, changes};
use projections::{
    Duty, Erasures, Owner, Progress, Queries, Worker, WorkerSettings,
    audit::{self, AuditIndex},
    graph_feed,
};
use sql::{Database, Engine, Limits};
use std::{sync::Arc, time::Duration};
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

/// How long a worker's lease, or a duty's, lasts.
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
    pub(crate) typing: Typewriters,
    pub(crate) files: Files,
}

/// Connections for leases and duties, which others' work must not keep from being renewed.
const LEASING: u32 = 2;
/// Connections for the checkpoints of the reactors.
const CHECKPOINTS: u32 = 2;
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
        let (owner, life, _guard) = (ids(), None, supervisor.guard());
        let progress = Progress::new(shared.store.clone(), shared.read_models.clone());
        let mut background = Self { progress, supervisor, shared, leasing, owner, life, _guard };
        let store = background.shared.store.clone();
        background.supervisor.mourn("writer", async move { store.writer_died().await });
        let commits = Arc::new(Mutex::new(commits));
        background.spawn("publish", move |shared, stop| publish(Arc::clone(&commits), shared.broker, stop));
        if config.role != Role::Worker {
            background.serve_sockets(config.clock);
        }
        if config.role != Role::Gateway {
            background.show_life().await?;
            background.keep_read_models(config).await?;
            background.end_calls(config);
            background.forget_people();
            background.keep_files();
            background.purge();
            background.end_stories(config);
            background.index_log();
        }
        background.feed_graph(config);
        if config.role != Role::Gateway {
            // So that whoever writes and reads at once after a start does not wait for it.
            background.progress.wait_begun(BEGIN).await;
        }
        Ok(background)
    }

    /// How far the read models have come.
    pub(crate) fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Has a task look what stands still, after a first look.
    pub(crate) async fn look_at(&self, standing: &Standing, hub: Option<Hub>) {
        let (standing, progress, store) = (standing.clone(), self.progress(), self.shared.store.clone());
        let watcher = move || Watcher::new(standing.clone(), progress.clone(), store.clone(), hub.clone());
        watcher().look().await;
        self.spawn("standing", move |_, stop| watcher().watch(stop));
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

    /// Does `work` whenever this process has the duty `name`.
    fn hold<F: Future<Output = ()> + Send + 'static>(
        &self,
        name: impl Into<String>,
        work: impl FnMut(CancellationToken) -> F + Clone + Send + 'static,
    ) {
        let name = name.into();
        let duty = Duty { database: self.leasing.clone(), owner: self.owner, lease: LEASE };
        self.spawn(format!("duty:{name}"), move |_, stop| {
            let (duty, name, work) = (duty.clone(), name.clone(), work.clone());
            async move { duty.hold(&name, stop, work).await }
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
                    presences.banish(event.record.aggregate_id.into());
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
            hub.relay(&broker, |signal| presences.hear(signal), clock, stop).await;
        });
        self.spawn("presence", |Shared { hub, graph, presences, .. }, stop| {
            attend(presences, hub, graph.graph().clone(), stop)
        });
        self.spawn("news", |Shared { presences, .. }, stop| presences.tell_news(stop));
        self.spawn("doubts", |Shared { hub, presences, .. }, stop| settle_doubts(presences, hub, stop));
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
            clock,
            build: build::name(),
        };
        let progress = self.progress.clone();
        self.spawn("worker", move |_, stop| Worker::run(settings.clone(), progress.clone(), stop));
        let database = Database::connect_for(&config.log_location(), CHECKPOINTS, Limits::WORKER).await?;
        let checkpoints = reactor::Checkpoints::new(database).of_build(&build::name());
        for reactor in reactor::Reactor::ALL {
            let Shared { store, broker, commands, .. } = self.shared.clone();
            let checkpoints = checkpoints.clone();
            self.hold(format!("reactor.{}", reactor.name()), move |token| {
                let hints = broker.subscribe(lanes(reactor.name(), store.partitions()));
                reactor::run(reactor, commands.clone(), hints, checkpoints.clone(), token)
            });
        }
        Ok(())
    }

    /// Ends what nobody ends: calls that ring for too long, and being in one without a socket.
    fn end_calls(&self, config: &Config) {
        let Shared { read_models, commands, graph, .. } = self.shared.clone();
        let (queries, graph) = (Queries::new(read_models), graph.graph().clone());
        let duties = CallDuties { queries, commands, graph, settings: config.calls, clock };
        let ending = duties.clone();
        self.hold("calls.time_out", move |token| ending.clone().time_out(token));
        if config.knows_who_is_here() {
            self.hold("calls.drop_the_lost", move |token| duties.clone().drop_the_lost(token));
        }
    }

    /// Takes what those who were erased had written out of the read models.
    fn forget_people(&self) {
        let erasures = Erasures::new(self.shared.read_models.clone());
        let forgetting = Forgetting { erasures, progress: self.progress(), house: self.house(), clock };
        self.hold("accounts.forget", move |token| forgetting.clone().run(token));
    }

    /// Removes files to which nothing refers.
    fn keep_files(&self) {
        let house = self.house();
        self.hold("files.keep", move |token| house.clone().keep(token));
    }

    /// Removes keys, tokens and sessions that have expired.
    fn purge(&self) {
        let Shared { store, commands, .. } = self.shared.clone();
        let purge = Purge { store, commands };
        self.hold("log.purge", move |token| purge.clone().run(token));
    }

    fn house(&self) -> House {
        let Shared { store, read_models, commands, files, .. } = self.shared.clone();
        let progress = Progress::new(store.clone(), read_models.clone());
        House { files, queries: Queries::new(read_models), progress, commands, store }
    }

    /// Ends stories whose time is over.
    fn end_stories(&self, config: &Config) {
        let Shared { read_models, commands, .. } = self.shared.clone();
        let expiring = StoryDuty { queries: Queries::new(read_models), commands, clock: config.clock };
        self.hold("stories.expire", move |token| expiring.clone().expire(token));
    }

    /// Fills the audit index.
    fn index_log(&self) {
        let Shared { store, read_models, .. } = self.shared.clone();
        let index = AuditIndex::new(read_models);
        self.hold(audit::NAME, move |token| audit::run(index.clone(), store.clone(), token));
    }

    /// Keeps the graph: one in memory in each process that has sockets, one in Redis by one worker at a time.
    fn feed_graph(&self, config: &Config) {
        let Shared { store, broker, read_models, graph, .. } = self.shared.clone();
        let graph = graph.graph().clone();
        let build = build::name();
        let feed = graph_feed::GraphFeedSettings { store, broker, database: read_models, graph, clock, build };
        if config.redis_url.is_none() {
            if config.role != Role::Worker {
                self.spawn("graph", move |_, stop| graph_feed::run(feed.clone(), stop));
            }
        } else if config.role != Role::Gateway {
            self.hold("graph", move |token| graph_feed::run(feed.clone(), token));
        }
    }
}

fn lanes(queue: &str, partitions: u16) -> Interest {
    let of_tier = |tier| (0..partitions).map(move |n| Lane { tier, partition: Partition(n) });
    Interest::Lanes { queue: queue.to_owned(), lanes: Tier::DURABLE.into_iter().flat_map(of_tier).collect() }
}

/// Hands what this process commits to the broker, until the log's writer is gone or `stop`.
async fn publish(commits: Arc<Mutex<mpsc::Receiver<Arc<CommittedBatch>>>>, broker: Broker, stop: CancellationToken) {
    let mut commits = commits.lock().await;
    while let Some(Some(batch)) = stop.run_until_cancelled(commits.recv()).await {
        broker.publish(&batch);
    }
}
