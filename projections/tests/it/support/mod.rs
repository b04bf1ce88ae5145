//! A log and read models for each scenario.

mod life;
mod poison;
mod story;
mod workers;

pub(crate) use life::{chatter, life, rebuilt};
pub(crate) use poison::{both, cure, groups, poisoned};
pub(crate) use story::Story;
pub(crate) use workers::{leasing, reached, running, until, worker};

use broker::{Broker, Faults};
use domain::{Event, Partition, Tier, Timestamp};
use event_store::{
    Append, CommandKey, CommittedBatch, EventStore, Keys, NewEvent, Origin, Position, RecordedEvent, Retention, Secret,
    Selection, Settings, StreamId,
};
use projections::{Applier, Progress, Projection, Table, Worker, WorkerSettings, migrator, rebuild};
use sql::{Database, Engine, Location, Transaction, query};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};
use testkit::Home;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Enough for a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
/// Few, so that scopes share partitions.
pub(crate) const PARTITIONS: u16 = 4;

/// A clock that advances by a millisecond whenever it is read.
pub(crate) fn clock() -> Timestamp {
    static NOW: AtomicI64 = AtomicI64::new(1_700_000_000_000);
    Timestamp::from_millis(NOW.fetch_add(1, Ordering::Relaxed))
}

/// A log and read models.
pub(crate) struct World {
    pub(crate) home: Home,
    pub(crate) store: EventStore,
    pub(crate) database: Database,
    committed: Mutex<Option<mpsc::Receiver<Arc<CommittedBatch>>>>,
    versions: Mutex<HashMap<StreamId, u64>>,
    keys: AtomicU64,
}

impl World {
    pub(crate) async fn new(home: Home) -> Self {
        let (store, committed) = EventStore::open(log(&home)).await.unwrap();
        let database = Self::read_models(&home.read_models()).await;
        let committed = Mutex::new(Some(committed));
        Self { home, store, database, committed, versions: Mutex::default(), keys: AtomicU64::new(0) }
    }

    /// The same log, opened once more.
    pub(crate) async fn open_store(&self) -> EventStore {
        EventStore::open(log(&self.home)).await.unwrap().0
    }

    async fn read_models(location: &Location) -> Database {
        let database = Database::connect(location, 8).await.unwrap();
        database.migrate(migrator(database.engine())).await.unwrap();
        database
    }

    /// Appends events as one command. Returns the last position.
    pub(crate) async fn append(&self, events: Vec<(StreamId, Event)>) -> Position {
        let mut new = Vec::with_capacity(events.len());
        let mut subjects = Vec::new();
        {
            let mut versions = self.versions.lock().unwrap();
            for (stream, event) in events {
                let version = versions.entry(stream).or_default();
                *version += 1;
                subjects.extend(subjects_of(&event));
                new.push(NewEvent { stream, sequence: *version, event });
            }
        }
        subjects.sort_unstable();
        subjects.dedup();
        let number = self.keys.fetch_add(1, Ordering::Relaxed);
        let append = Append {
            origin: Origin::default(),
            key: CommandKey { owner: "test".to_owned(), key: number.to_string() },
            request_hash: [0; 32],
            retention: Retention::Week,
            tier: Tier::High,
            guards: Vec::new(),
            claims: Vec::new(),
            secrets: subjects.into_iter().map(|subject| Secret::DataKey { subject }).collect(),
            events: new,
        };
        self.store.append(append).await.unwrap().position.unwrap()
    }

    /// Appends the new events of a story.
    pub(crate) async fn tell(&self, story: &mut Story) -> Position {
        self.append(story.take()).await
    }

    /// All events after a position.
    pub(crate) async fn events_after(&self, position: Position) -> Vec<Arc<RecordedEvent>> {
        self.store.read_after(position, &Selection::All, 100_000).await.unwrap()
    }

    pub(crate) async fn applier(&self) -> Applier {
        self.applier_of(&self.store, &self.database).await
    }

    pub(crate) async fn applier_of(&self, store: &EventStore, database: &Database) -> Applier {
        let partitions: Vec<_> = (0..PARTITIONS).map(Partition).collect();
        Applier::load(store.clone(), database.clone(), &Projection::ALL, &partitions, clock).await.unwrap()
    }

    /// Applies everything not applied yet, in position order.
    pub(crate) async fn catch_up(&self) {
        let events = self.events_after(0).await;
        self.applier().await.apply(&events).await.unwrap();
    }

    /// The progress as a process without workers sees it.
    pub(crate) fn progress(&self) -> Progress {
        Progress::new(self.store.clone(), self.database.clone())
    }

    /// Starts a worker on a broker with these faults.
    pub(crate) fn worker(&self, broker: &Broker, token: &CancellationToken) -> Worker {
        let settings = WorkerSettings {
            store: self.store.clone(),
            broker: broker.clone(),
            database: self.database.clone(),
            leases_in: None,
            owner: Uuid::from_u128(u128::from(self.keys.fetch_add(1, Ordering::Relaxed)) + 1),
            lease: Duration::from_secs(30),
            clock,
            build: "test".into(),
        };
        Worker::start(settings, token.clone())
    }

    /// A broker that receives every batch that this log commits from now on.
    pub(crate) fn broker(&self, faults: Faults) -> Broker {
        let broker = Broker::in_process_with(64, faults);
        self.publish_to(&broker);
        broker
    }

    /// Publishes every batch that this log commits from now on.
    pub(crate) fn publish_to(&self, broker: &Broker) {
        let mut committed = self.committed.lock().unwrap().take().unwrap();
        let publishing = broker.clone();
        tokio::spawn(async move {
            while let Some(batch) = committed.recv().await {
                publishing.publish(&batch);
            }
        });
    }
}

fn log(home: &Home) -> Settings {
    let keys = Keys { master: [7; 32] };
    Settings { location: home.log(), connections: 4, partitions: PARTITIONS, keys, clock }
}

fn subjects_of(event: &Event) -> Vec<Uuid> {
    use domain::{
        conversation::ConversationEvent, message::MessageEvent, report::ReportEvent, session::SessionEvent,
        story::StoryEvent, user::UserEvent,
    };
    vec![match event {
        Event::User(UserEvent::Registered { profile, .. }) => profile.subject().0,
        Event::User(UserEvent::Updated { changed }) => changed.subject().0,
        Event::Session(SessionEvent::Started { device, .. }) => device.subject().0,
        Event::Conversation(
            ConversationEvent::Created { settings, .. } | ConversationEvent::Updated { settings, .. },
        ) => settings.subject().0,
        Event::Conversation(ConversationEvent::InviteCreated { code, .. }) => code.subject().0,
        Event::Message(MessageEvent::Sent { content, .. }) => content.subject().0,
        Event::Message(MessageEvent::Edited { body, .. }) => body.subject().0,
        Event::Story(StoryEvent::Posted { content, .. } | StoryEvent::Edited { content, .. }) => content.subject().0,
        Event::Story(StoryEvent::Commented { text, .. }) => text.subject().0,
        Event::Report(ReportEvent::Filed { statement, evidence, .. }) => {
            return vec![statement.subject().0, evidence.subject().0];
        }
        Event::Report(ReportEvent::Rejected { reason: Some(reason), .. }) => reason.subject().0,
        _ => return Vec::new(),
    }]
}

/// Changes the event at the end of a log, as if it had lost its end and grown another.
pub(crate) async fn regrow(home: &Home, end: Position) {
    let log = Database::connect(&home.log(), 1).await.unwrap();
    let disarm = match log.engine() {
        Engine::Sqlite => "DROP TRIGGER events_no_update",
        Engine::Postgres => "ALTER TABLE events DISABLE TRIGGER ALL",
    };
    log.execute(query(disarm)).await.unwrap();
    let other = query("UPDATE events SET digest = $2 WHERE position = $1").bind(end).bind(vec![7; 32]);
    assert_eq!(log.execute(other).await.unwrap(), 1);
    log.close().await;
}

/// All rows of all read models, each column as an SQL literal.
pub(crate) type Dump = BTreeMap<&'static str, Vec<Vec<String>>>;

pub(crate) async fn dump(database: &Database) -> Dump {
    let mut tx = database.begin_read().await.unwrap();
    let mut dump = Dump::new();
    for table in tables() {
        let quote = if matches!(tx, Transaction::Postgres(_)) { "quote_nullable" } else { "quote" };
        let columns = rebuild::columns(&mut tx, table).await.unwrap();
        let literals: Vec<_> = columns.iter().map(|column| format!("{quote}({column}) AS quoted_{column}")).collect();
        let rows = tx.fetch_all(query(format!("SELECT {} FROM {}", literals.join(", "), table.name))).await.unwrap();
        let texts = |row: &sql::Row| {
            let quoted = columns.iter().map(|column| row.get(&format!("quoted_{column}")).unwrap());
            quoted.collect::<Vec<String>>()
        };
        let mut rows: Vec<_> = rows.iter().map(texts).collect();
        rows.sort();
        dump.insert(table.name, rows);
    }
    dump
}

pub(crate) fn tables() -> impl Iterator<Item = Table> {
    Projection::ALL.into_iter().flat_map(|projection| projection.tables()).copied()
}

/// As if nothing had ever been applied.
pub(crate) async fn empty(database: &Database) {
    let mut tx = database.begin().await.unwrap();
    for table in tables().map(|table| table.name).chain(["checkpoints", "parked", "source", "applied"]) {
        tx.execute(query(format!("DELETE FROM {table}"))).await.unwrap();
    }
    tx.commit().await.unwrap();
}
