//! The store itself: its shared state, appending, and opening events. Reads are in `read.rs` and `feed.rs`.

use crate::{
    Append, AppendError, CommittedBatch, OpenError, ReadError, Receipt, RecordedEvent, Secret, Settings,
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
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use tokio::{
    sync::{
        mpsc::{self, error::TrySendError},
        oneshot, watch,
    },
    time::Instant,
};
use uuid::Uuid;

/// Commands that may wait for the writer, per tier.
const INTAKE: usize = 4_096;
/// Connections for those who must not wait behind commands.
const RESERVED: u32 = 4;
/// Connections for those who catch up, behind whom no command waits.
const CATCHING_UP: u32 = 4;
/// Committed batches that may wait for their reader.
const COMMITTED: usize = 1_024;
/// How often a command is sealed again because another made a data key first.
const RESEALS: usize = 3;

/// The log. Clones share it.
#[derive(Clone)]
pub struct EventStore {
    inner: Arc<Inner>,
    over: Over,
}

/// Over which connections a clone reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    Common,
    Reserved,
    CatchingUp,
}

struct Inner {
    database: Database,
    /// For those who must not wait behind commands.
    reserved: Database,
    catching_up: Database,
    keyring: Keyring,
    fixed: Fixed,
    clock: fn() -> Timestamp,
    high: mpsc::Sender<Queued>,
    medium: mpsc::Sender<Queued>,
    dropped: Arc<AtomicU64>,
    /// Why the writer has ended, once it has.
    writing: watch::Sender<Option<String>>,
}

impl EventStore {
    /// Opens the log, creating or migrating it, and starts its writer task. The second value receives every
    /// batch this process commits, in commit order; batches are dropped when nobody keeps up (consumers see
    /// the hole and read the store).
    ///
    /// # Errors
    /// When it cannot be reached, or would not keep what it acknowledges (`fsync` or `synchronous_commit` off).
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
        let writer = tokio::spawn(Writer { intake, appender, committed, dropped: Arc::clone(&dropped) }.run());
        let writing = watch::Sender::new(None);
        let mourner = writing.clone();
        tokio::spawn(async move {
            let why = writer.await.map_or_else(|error| error.to_string(), |()| "it has ended".to_owned());
            mourner.send_replace(Some(why));
        });
        let clock = settings.clock;
        let inner = Inner { database, reserved, catching_up, keyring, fixed, clock, high, medium, dropped, writing };
        Ok((Self { inner: Arc::new(inner), over: Over::Common }, batches))
    }

    /// Opens a log that is there, for reading alone: nothing is made, migrated or fixed, and appends are refused. Its
    /// tables must be exactly those that this build knows.
    ///
    /// # Errors
    /// When it cannot be reached, or a build that is older or newer made its tables ([`sql::SchemaError`]).
    pub async fn attach(settings: Settings) -> Result<Self, ReadError> {
        let keyring = Keyring::new(&settings.keys);
        let (database, fixed) = open::attach(&settings, &keyring).await?;
        let writing = watch::Sender::new(None);
        let ((high, _), (medium, _)) = (mpsc::channel(1), mpsc::channel(1));
        let (reserved, catching_up, dropped) = (database.clone(), database.clone(), Arc::default());
        let clock = settings.clock;
        let inner = Inner { database, reserved, catching_up, keyring, fixed, clock, high, medium, dropped, writing };
        Ok(Self { inner: Arc::new(inner), over: Over::Common })
    }

    /// The same log, read over connections that commands and queries do not use: for those who feed sockets and read
    /// models, and must not wait behind a flood.
    #[must_use]
    pub fn reserved(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), over: Over::Reserved }
    }

    /// The same log, read over a few connections of their own, for those who read much of it at
    /// their own pace: a crowd that comes back leaves commands and live events theirs.
    #[must_use]
    pub fn catching_up(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), over: Over::CatchingUp }
    }

    /// Names this log apart from any other: part of every cursor.
    #[must_use]
    pub fn incarnation(&self) -> Uuid {
        self.inner.fixed.incarnation
    }

    /// How many partitions it has.
    #[must_use]
    pub fn partitions(&self) -> u16 {
        self.inner.fixed.partitions
    }

    /// How many committed batches were dropped because their receiver was full.
    #[must_use]
    pub fn dropped_batches(&self) -> u64 {
        self.inner.dropped.load(Ordering::Relaxed)
    }

    /// Waits until this process cannot append any more, since its writer task has died; answers why.
    pub async fn writer_died(&self) -> String {
        let mut writing = self.inner.writing.subscribe();
        let why = writing.wait_for(Option::is_some).await;
        why.ok().and_then(|why| why.clone()).unwrap_or_default()
    }

    /// Appends one command, sharing the commit with others in flight. Returns once it is durable (I2). A caller
    /// that goes away cancels nothing.
    ///
    /// # Errors
    /// [`AppendError`]: nothing of it is stored, save after `Unavailable`, where repeating it is safe.
    pub async fn append(&self, append: Append) -> Result<Receipt, AppendError> {
        let Inner { database, keyring, fixed, .. } = &*self.inner;
        let preparation = Preparation { database, keyring, partitions: fixed.partitions, now: self.now() };
        for _ in 0..RESEALS {
            let (prepared, fresh) = preparation.prepare(&append).await?;
            let (reply, answer) = oneshot::channel();
            self.enqueue(append.tier, Queued { prepared, reply, since: Instant::now() })?;
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

    /// Opens an event: unseals its personal values, brings it to today's shape, decodes it. Done once per event
    /// and process.
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

    /// The payload as it is stored, its sealed values opened; a forgotten one stays sealed. Of events that this build does
    /// not know, too.
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

    /// Hears that a person was forgotten: their data key is dropped here, too. Missing it costs a minute, for which
    /// this process may go on reading what they wrote.
    pub fn forget(&self, subject: Uuid) {
        self.keyring().forget(subject);
    }

    pub(crate) fn database(&self) -> &Database {
        match self.over {
            Over::Common => &self.inner.database,
            Over::Reserved => &self.inner.reserved,
            Over::CatchingUp => &self.inner.catching_up,
        }
    }

    pub(crate) fn keys_hashed_since(&self) -> Option<i64> {
        self.inner.fixed.keys_hashed_since
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
