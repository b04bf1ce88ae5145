//! The store: its shared state, appends, and opening events. Reads are in `read.rs` and `feed.rs`.

use crate::{
    Append, AppendError, CommittedBatch, Head, OpenError, Position, ReadError, Receipt, RecordedEvent, Secret,
    Settings,
    batch::{Intake, Queued, Reply},
    keyring::Keyring,
    open::{self, Fixed},
    prepare::Preparation,
    seal::{self, Fault},
    writer::Writer,
};
use domain::{Event, Tier, Timestamp};
use serde_json::Value;
use sql::Database;
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{
        Notify,
        mpsc::{self, error::TrySendError},
        oneshot, watch,
    },
    time::Instant,
};
use tracing::{Instrument as _, Span};
use uuid::Uuid;

/// The most commands that wait for the writer, per tier.
const INTAKE: usize = 4_096;
/// Connections for readers that must not wait behind commands.
const RESERVED: u32 = 4;
/// Connections for catching up, so that no command waits behind it.
const CATCHING_UP: u32 = 4;
/// The connection of the writer.
const WRITER: u32 = 1;
/// The most connections of an open log to Postgres, beside those of [`Settings::connections`].
pub const OWN_CONNECTIONS: u32 = WRITER + RESERVED + CATCHING_UP;
/// The most committed batches that wait for their receiver.
const COMMITTED: usize = 1_024;
/// Attempts to seal a command again because another created a data key first.
const RESEALS: usize = 3;

/// The log. Clones share it.
#[derive(Clone)]
pub struct EventStore {
    inner: Arc<Inner>,
    connections: Connections,
}

/// A head of the log, and when it was read. Locked while it is read again.
pub(crate) type LatestHead = tokio::sync::Mutex<Option<(Instant, Arc<Head>)>>;

/// The connections of a clone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Connections {
    Common,
    Reserved,
    CatchingUp,
}

struct Inner {
    database: Database,
    /// For readers that must not wait behind commands.
    reserved: Database,
    catching_up: Database,
    keyring: Keyring,
    fixed: Fixed,
    clock: fn() -> Timestamp,
    high: mpsc::Sender<Queued>,
    medium: mpsc::Sender<Queued>,
    dropped: Arc<AtomicU64>,
    /// The last event of the log that this process has received, by position and digest.
    seen: Mutex<Option<(Position, [u8; 32])>>,
    /// The head read last by [`EventStore::shared_head`], and when.
    latest_head: LatestHead,
    /// The cause of the writer's end, once it has ended.
    writing: watch::Sender<Option<String>>,
    /// Since when the writer has been committing the current batch.
    committing: watch::Receiver<Option<Instant>>,
    /// Makes the writer panic, for tests.
    fault: Arc<Notify>,
}

impl Inner {
    /// State of a store that refuses appends, with the same connections for all readers.
    fn reading(database: Database, fixed: Fixed, keyring: Keyring, clock: fn() -> Timestamp) -> Self {
        let ((high, _), (medium, _), (_, committing)) = (mpsc::channel(1), mpsc::channel(1), watch::channel(None));
        Self {
            reserved: database.clone(),
            catching_up: database.clone(),
            database,
            keyring,
            fixed,
            clock,
            high,
            medium,
            dropped: Arc::default(),
            seen: Mutex::default(),
            latest_head: LatestHead::default(),
            writing: watch::Sender::new(None),
            committing,
            fault: Arc::default(),
        }
    }
}

impl EventStore {
    /// Opens the log, creating or migrating it, and starts its writer task. The second value receives every batch this process
    /// commits, in commit order; batches are dropped when the receiver does not keep up (consumers find the gap and read the
    /// store).
    ///
    /// # Errors
    /// When it cannot be reached, or would lose acknowledged commands (`fsync` or `synchronous_commit` off).
    pub async fn open(settings: Settings) -> Result<(Self, mpsc::Receiver<Arc<CommittedBatch>>), ReadError> {
        let keyring = Keyring::new(&settings.keys);
        let (database, fixed, appender) = open::open(&settings, &keyring).await?;
        let reserved = Database::connect(&settings.location, RESERVED).await?;
        let catching_up = Database::connect(&settings.location, CATCHING_UP).await?;
        let (high, high_intake) = mpsc::channel(INTAKE);
        let (medium, medium_intake) = mpsc::channel(INTAKE);
        let (committed, batches) = mpsc::channel(COMMITTED);
        let dropped = Arc::new(AtomicU64::new(0));
        let intake = Intake::new(high_intake, medium_intake);
        let (commits, committing) = watch::channel(None);
        let writer = Writer { intake, appender, committed, dropped: Arc::clone(&dropped), committing: commits };
        let fault = Arc::new(Notify::new());
        let injected = Arc::clone(&fault);
        let writer = tokio::spawn(async move {
            tokio::select! {
                () = writer.run() => (),
                () = injected.notified() => panic!("a fault was injected"),
            }
        });
        let writing = watch::Sender::new(None);
        let ended = writing.clone();
        tokio::spawn(async move {
            let why = writer.await.map_or_else(|error| error.to_string(), |()| "it has ended".to_owned());
            ended.send_replace(Some(why));
        });
        let reading = Inner::reading(database, fixed, keyring, settings.clock);
        let inner = Inner { reserved, catching_up, high, medium, dropped, writing, committing, fault, ..reading };
        Ok((Self { inner: Arc::new(inner), connections: Connections::Common }, batches))
    }

    /// Opens an existing log for reading only: it is not created or migrated, and appends fail. Its tables must be exactly
    /// those of this build.
    ///
    /// # Errors
    /// When it cannot be reached, or an older or newer build created its tables ([`sql::SchemaError`]).
    pub async fn attach(settings: Settings) -> Result<Self, ReadError> {
        let keyring = Keyring::new(&settings.keys);
        let (database, fixed) = open::attach(&settings, &keyring).await?;
        let inner = Inner::reading(database, fixed, keyring, settings.clock);
        Ok(Self { inner: Arc::new(inner), connections: Connections::Common })
    }

    /// The same log over connections that commands and queries do not use: for sockets and read models, which must not wait
    /// behind a flood.
    #[must_use]
    pub fn reserved(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), connections: Connections::Reserved }
    }

    /// The same log over a few separate connections, for long reads: a wave of reconnecting clients leaves the connections of
    /// commands and live events free.
    #[must_use]
    pub fn catching_up(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), connections: Connections::CatchingUp }
    }

    /// The unique id of this log; part of every cursor.
    #[must_use]
    pub fn incarnation(&self) -> Uuid {
        self.inner.fixed.incarnation
    }

    /// The number of partitions.
    #[must_use]
    pub fn partitions(&self) -> u16 {
        self.inner.fixed.partitions
    }

    /// The number of committed batches that were dropped because their receiver was full.
    #[must_use]
    pub fn dropped_batches(&self) -> u64 {
        self.inner.dropped.load(Ordering::Relaxed)
    }

    /// How long the current batch has been committing; `None` without one.
    #[must_use]
    pub fn committing_for(&self) -> Option<Duration> {
        self.inner.committing.borrow().map(|since| since.elapsed())
    }

    /// Notes that this process has received the log up to an event.
    pub fn note_seen(&self, event: &RecordedEvent) {
        let this = (event.record.position, event.record.digest);
        let mut seen = self.inner.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.is_none_or(|(position, _)| position < this.0) {
            *seen = Some(this);
        }
    }

    /// Whether the log still has the last event that this process has received, and its incarnation. It does not after a
    /// restore from a backup, or a failover to a server that lacks its end: the state of this process is invalid then.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn has_last_seen_event(&self) -> Result<bool, ReadError> {
        if !self.has_same_incarnation().await? {
            return Ok(false);
        }
        let seen = *self.inner.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((position, digest)) = seen else { return Ok(true) };
        Ok(self.digests(position).await?.1 == Some(digest))
    }

    /// Waits until the writer task has died, and with it the appends of this process; returns the cause.
    pub async fn writer_died(&self) -> String {
        let mut writing = self.inner.writing.subscribe();
        let why = writing.wait_for(Option::is_some).await;
        why.ok().and_then(|why| why.clone()).unwrap_or_default()
    }

    /// Makes the writer task panic, for tests.
    #[doc(hidden)]
    pub fn panic_writer(&self) {
        self.inner.fault.notify_one();
    }

    /// Appends one command in a group commit with others in flight. Returns once it is durable (I2). Cancelling the caller does
    /// not cancel the append.
    ///
    /// # Errors
    /// [`AppendError`]: nothing of it is stored, except possibly after `Unavailable`, where repeating it is safe.
    pub async fn append(&self, append: Append) -> Result<Receipt, AppendError> {
        let span = traces::span!("append", append.tier = append.tier.as_str(), append.events = append.events.len());
        self.append_within(&span, append).instrument(span.clone()).await
    }

    async fn append_within(&self, span: &Span, append: Append) -> Result<Receipt, AppendError> {
        let Inner { database, keyring, fixed, .. } = &*self.inner;
        let preparation = Preparation { database, keyring, partitions: fixed.partitions, now: self.now() };
        for _ in 0..RESEALS {
            let (prepared, fresh) = preparation.prepare(&append).await?;
            let (reply, answer) = oneshot::channel();
            self.enqueue(append.tier, Queued { prepared, reply, since: Instant::now(), span: span.clone() })?;
            match answer.await.map_err(|_| stopped())?? {
                Reply::Appended(receipt) => {
                    fresh.into_iter().for_each(|(subject, key)| keyring.keep(subject, key));
                    append.secrets.iter().filter_map(Secret::forgotten).for_each(|subject| keyring.forget(subject));
                    return Ok(receipt);
                }
                Reply::Repeated(position) => return self.repeated(position).await,
                Reply::HasDataKey => {}
                Reply::Forgotten(subject) => {
                    keyring.forget(subject);
                    return Err(AppendError::Forgotten(subject));
                }
            }
        }
        Err(AppendError::Overloaded)
    }

    fn enqueue(&self, tier: Tier, queued: Queued) -> Result<(), AppendError> {
        let intake = if tier == Tier::High { &self.inner.high } else { &self.inner.medium };
        intake.try_send(queued).map_err(|error| match error {
            TrySendError::Full(_) => AppendError::Overloaded,
            TrySendError::Closed(_) => stopped(),
        })
    }

    /// Opens an event: unseals its personal values, upcasts it to the current version, decodes it. Done once per event and
    /// process.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open_event<'e>(&self, event: &'e RecordedEvent) -> Result<&'e Event, OpenError> {
        if let Some(opened) = event.opened.get() {
            return Ok(opened);
        }
        let json = self.unsealed(event).await?;
        let opened = Event::decode(&event.record.event_type, event.record.event_version, json)?;
        Ok(event.opened.get_or_init(|| opened))
    }

    /// The stored payload with its sealed values opened; those of erased people stay sealed. Works for events of newer builds,
    /// too.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn unsealed(&self, event: &RecordedEvent) -> Result<Value, OpenError> {
        let mut json = serde_json::from_str(&event.record.payload)?;
        let mut forgotten = Vec::new();
        loop {
            match seal::open(&mut json, event, &forgotten, |subject| self.keyring().cached(subject)) {
                Ok(()) => return Ok(json),
                Err(Fault::Cipher(subject)) => return Err(OpenError::Seal(subject)),
                Err(Fault::Missing(subject)) => match self.keyring().load(self.database(), subject).await?.flatten() {
                    Some(key) => self.keyring().keep(subject, key),
                    None => forgotten.push(subject),
                },
            }
        }
    }

    /// Drops the cached data key of an erased person. Without this call, this process can open their values for up to a minute
    /// longer.
    pub fn forget(&self, subject: Uuid) {
        self.keyring().forget(subject);
    }

    /// How many connections to the log are open, and how many of these are idle.
    #[must_use]
    pub fn connections(&self) -> (usize, usize) {
        self.database().connections()
    }

    pub(crate) fn database(&self) -> &Database {
        match self.connections {
            Connections::Common => &self.inner.database,
            Connections::Reserved => &self.inner.reserved,
            Connections::CatchingUp => &self.inner.catching_up,
        }
    }

    pub(crate) fn latest_head(&self) -> &LatestHead {
        &self.inner.latest_head
    }

    pub(crate) fn keys_hashed_since(&self) -> Option<i64> {
        self.inner.fixed.keys_hashed_since
    }

    pub(crate) fn fixed(&self) -> &Fixed {
        &self.inner.fixed
    }

    pub(crate) fn keyring(&self) -> &Keyring {
        &self.inner.keyring
    }

    /// The time, by the clock that stamps events.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.inner.clock)()
    }
}

fn stopped() -> AppendError {
    AppendError::Unavailable("the writer has stopped".to_owned())
}
