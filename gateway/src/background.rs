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
    stories::StoryDuty,
    typing::Typewriters,
};
use broker::{Broker, Interest};
use commands::{Commands, reactor};
use domain::{Event, Lane, Partition, Tier, Timestamp, user::UserEvent};
use event_store::{CommittedBatch, EventStore, RecordedEvent};
use graph::{Cached, Change, Relation, changes};
use projections::{
    Duty, Erasures, Progress, Queries, Worker, WorkerSettings,
    audit::{self, AuditIndex},
    graph_feed,
};
use sql::Database;
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

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

/// What runs beside the doors.
pub(crate) struct Background {
    worker: Option<Worker>,
    tasks: TaskTracker,
    shared: Shared,
    stop: CancellationToken,
    _guard: DropGuard,
}

impl Background {
    /// Starts what the role asks for.
    pub(crate) async fn start(
        config: &Config,
        shared: Shared,
        commits: mpsc::Receiver<Arc<CommittedBatch>>,
    ) -> Result<Self, StartError> {
        let stop = CancellationToken::new();
        let guard = stop.clone().drop_guard();
        let mut background = Self { worker: None, tasks: TaskTracker::new(), shared, stop, _guard: guard };
        background.spawn(|shared, stop| publish(commits, shared.broker, stop));
        if config.role != Role::Worker {
            background.serve_sockets(config.clock);
        }
        if config.role != Role::Gateway {
            background.keep_read_models(config).await?;
            background.end_calls(config);
            background.forget_people();
            background.keep_files();
            background.purge();
            background.end_stories(config);
            background.index_log();
        }
        background.feed_graph(config);
        Ok(background)
    }

    /// The projections' worker of this process, if it has one.
    pub(crate) const fn worker(&self) -> Option<&Worker> {
        self.worker.as_ref()
    }

    /// Stops it all, in order.
    pub(crate) async fn end(self) {
        self.stop.cancel();
        if let Some(worker) = self.worker {
            worker.stopped().await;
        }
        self.tasks.close();
        self.tasks.wait().await;
        self.shared.read_models.close().await;
    }

    fn spawn<F: Future<Output = ()> + Send + 'static>(&self, task: impl FnOnce(Shared, CancellationToken) -> F) {
        self.tasks.spawn(task(self.shared.clone(), self.stop.clone()));
    }

    /// Feeds the sockets of this process with events and signals, and says who is here.
    fn serve_sockets(&self, clock: fn() -> Timestamp) {
        self.spawn(|Shared { hub, broker, commands, graph, presences, typing, .. }, stop| async move {
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
        self.spawn(|Shared { hub, broker, presences, .. }, stop| async move {
            hub.relay(&broker, |signal| presences.hear(signal), clock, stop).await;
        });
        self.spawn(|Shared { hub, graph, presences, .. }, stop| attend(presences, hub, graph.graph().clone(), stop));
        self.spawn(|Shared { presences, .. }, stop| presences.tell_news(stop));
        self.spawn(|Shared { hub, presences, .. }, stop| settle_doubts(presences, hub, stop));
        self.spawn(|Shared { hub, typing, .. }, stop| typing.run(hub, stop));
    }

    /// Folds the log into the read models, and does what follows from events.
    async fn keep_read_models(&mut self, config: &Config) -> Result<(), StartError> {
        let Shared { store, broker, read_models, .. } = &self.shared;
        let settings = WorkerSettings {
            store: store.clone(),
            broker: broker.clone(),
            database: read_models.clone(),
            owner: ids(),
            lease: LEASE,
            clock,
            build: build::name(),
        };
        self.worker = Some(Worker::start(settings, self.stop.clone()));
        for reactor in reactor::Reactor::ALL {
            let checkpoints = reactor::Checkpoints::new(Database::connect(&config.log_location(), 1).await?);
            let checkpoints = checkpoints.of_build(&build::name());
            let duty = self.duty();
            self.spawn(|Shared { store, broker, commands, .. }, stop| async move {
                let name = format!("reactor.{}", reactor.name());
                let react = |token| {
                    let hints = broker.subscribe(lanes(reactor.name(), store.partitions()));
                    reactor::run(reactor, commands.clone(), hints, checkpoints.clone(), token)
                };
                duty.hold(&name, stop, react).await;
            });
        }
        Ok(())
    }

    /// Ends what nobody ends: calls that ring for too long, and being in one without a socket.
    fn end_calls(&self, config: &Config) {
        let Shared { read_models, commands, graph, .. } = self.shared.clone();
        let (queries, graph) = (Queries::new(read_models), graph.graph().clone());
        let duties = CallDuties { queries, commands, graph, settings: config.calls, clock };
        let duty = self.duty();
        let ending = duties.clone();
        self.spawn(|_, stop| async move {
            duty.hold("calls.time_out", stop, |token| ending.clone().time_out(token)).await;
        });
        if config.knows_who_is_here() {
            let duty = self.duty();
            self.spawn(|_, stop| async move {
                duty.hold("calls.drop_the_lost", stop, |token| duties.clone().drop_the_lost(token)).await;
            });
        }
    }

    /// Takes what those who were erased had written out of the read models.
    fn forget_people(&self) {
        let Some(worker) = &self.worker else { return };
        let erasures = Erasures::new(self.shared.read_models.clone());
        let forgetting = Forgetting { erasures, progress: worker.progress(), house: self.house(), clock };
        let duty = self.duty();
        self.spawn(|_, stop| async move {
            duty.hold("accounts.forget", stop, |token| forgetting.clone().run(token)).await;
        });
    }

    /// Removes files to which nothing refers.
    fn keep_files(&self) {
        let (house, duty) = (self.house(), self.duty());
        self.spawn(|_, stop| async move { duty.hold("files.keep", stop, |token| house.clone().keep(token)).await });
    }

    /// Removes keys, tokens and sessions that have expired.
    fn purge(&self) {
        let duty = self.duty();
        self.spawn(|Shared { store, commands, .. }, stop| async move {
            let purge = Purge { store, commands };
            duty.hold("log.purge", stop, |token| purge.clone().run(token)).await;
        });
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
        let duty = self.duty();
        self.spawn(|_, stop| async move {
            duty.hold("stories.expire", stop, |token| expiring.clone().expire(token)).await;
        });
    }

    /// Fills the audit index.
    fn index_log(&self) {
        let duty = self.duty();
        self.spawn(|Shared { store, read_models, .. }, stop| async move {
            let index = AuditIndex::new(read_models);
            duty.hold(audit::NAME, stop, |token| audit::run(index.clone(), store.clone(), token)).await;
        });
    }

    /// Keeps the graph: one in memory in each process that has sockets, one in Redis by one worker at a time.
    fn feed_graph(&self, config: &Config) {
        let Shared { store, broker, read_models, graph, .. } = self.shared.clone();
        let graph = graph.graph().clone();
        let build = build::name();
        let feed = graph_feed::GraphFeedSettings { store, broker, database: read_models, graph, clock, build };
        if config.redis_url.is_none() {
            if config.role != Role::Worker {
                self.spawn(|_, stop| graph_feed::run(feed, stop));
            }
        } else if config.role != Role::Gateway {
            let duty = self.duty();
            self.spawn(|_, stop| async move {
                duty.hold("graph", stop, |token| graph_feed::run(feed.clone(), token)).await
            });
        }
    }

    fn duty(&self) -> Duty {
        Duty { database: self.shared.read_models.clone(), owner: ids(), lease: LEASE }
    }
}

fn lanes(queue: &str, partitions: u16) -> Interest {
    let of_tier = |tier| (0..partitions).map(move |n| Lane { tier, partition: Partition(n) });
    Interest::Lanes { queue: queue.to_owned(), lanes: Tier::DURABLE.into_iter().flat_map(of_tier).collect() }
}

/// Hands what this process commits to the broker, until the log's writer is gone or `stop`.
async fn publish(mut commits: mpsc::Receiver<Arc<CommittedBatch>>, broker: Broker, stop: CancellationToken) {
    while let Some(Some(batch)) = stop.run_until_cancelled(commits.recv()).await {
        broker.publish(&batch);
    }
}
