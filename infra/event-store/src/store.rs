//! The port: what the rest of the server may ask of the log.

use crate::{Append, AppendError, ClaimKind, CommittedBatch, Heads, Position, Receipt, RecordedEvent, StreamId};
use domain::{Event, Lane, Tier, Timestamp};
use std::sync::Arc;
use tokio::sync::mpsc;
use uuid::Uuid;

/// How to open the log.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it is: a SQLite file with [`sql::Durability::Full`], or a Postgres schema (`chatchit_log`).
    pub location: sql::Location,
    /// Connections for reading.
    pub connections: u32,
    /// How many partitions a log created now gets; one that exists keeps its own.
    pub partitions: u16,
    /// The keys that wrap and hash.
    pub keys: Keys,
    /// The clock that stamps `recorded_at`.
    pub clock: fn() -> Timestamp,
}

/// The deployment's own keys.
#[derive(Clone)]
pub struct Keys {
    /// Wraps the data keys, and keys the hashes of claims.
    pub master: [u8; 32],
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(..)")
    }
}

/// The newest state of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The last position.
    pub position: Position,
    /// The hash chain up to it.
    pub chain: [u8; 32],
    /// The last position of each lane.
    pub heads: Heads,
}

/// Which events to read, in position order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All.
    All,
    /// Those of one lane.
    Lane(Lane),
    /// Those of one tier.
    Tier(Tier),
    /// Those of some partitions, in both tiers.
    Partitions(Vec<u16>),
}

/// A time during which a user receives a scope: the events after `after`, up to and including `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The scope.
    pub scope: Uuid,
    /// The position of the event by which they entered: it is the first they receive.
    pub from: Position,
    /// The position of the event by which they left, the last they receive; `None` while they are in.
    pub until: Option<Position>,
}

/// What somebody is to catch up on: everything they may see after their cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Who.
    pub user: Uuid,
    /// When they received which scopes.
    pub intervals: Vec<Interval>,
    /// High events up to here are known to them.
    pub high: Position,
    /// Medium events up to here are known to them.
    pub medium: Position,
    /// Nothing after this position.
    pub until: Position,
    /// At most so many events.
    pub limit: u32,
}

/// A read that failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The store is away; come back later.
    #[error("the event store is unavailable: {0}")]
    Unavailable(sql::Error),
    /// The store answered something that must not be.
    #[error("the event store is damaged: {0}")]
    Damaged(String),
}

/// A stored event that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// This build does not know it, or its shape is wrong.
    #[error(transparent)]
    Decode(#[from] domain::DecodeError),
    /// It is not JSON.
    #[error("the payload is not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A sealed value is not what its key sealed.
    #[error("a sealed value of {0} does not open")]
    Seal(Uuid),
    /// A data key could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// The log. Clones share it.
#[derive(Clone)]
pub struct EventStore {
    _inner: Arc<()>,
}

impl EventStore {
    /// Opens the log, creating or migrating it, and starts its writer task. The second value receives every
    /// batch this process commits, in commit order; batches are dropped when nobody keeps up (consumers see
    /// the hole and read the store).
    ///
    /// # Errors
    /// When it cannot be reached, or would not keep what it acknowledges (`fsync` or `synchronous_commit` off).
    pub async fn open(_settings: Settings) -> Result<(Self, mpsc::Receiver<Arc<CommittedBatch>>), ReadError> {
        unimplemented!()
    }

    /// Names this log apart from any other: part of every cursor.
    pub fn incarnation(&self) -> Uuid {
        unimplemented!()
    }

    /// How many partitions it has.
    pub fn partitions(&self) -> u16 {
        unimplemented!()
    }

    /// Appends one command, sharing the commit with others in flight. Returns once it is durable (I2). A caller
    /// that goes away cancels nothing.
    ///
    /// # Errors
    /// [`AppendError`]: nothing of it is stored, save after `Unavailable`, where repeating it is safe.
    pub async fn append(&self, _append: Append) -> Result<Receipt, AppendError> {
        unimplemented!()
    }

    /// The first result of a key, if the key was used: so that a repeated command is answered before it is
    /// decided again.
    ///
    /// # Errors
    /// [`AppendError::KeyReused`] when it was used for another request; [`AppendError::Unavailable`].
    pub async fn first_result(
        &self,
        _key: &crate::CommandKey,
        _request_hash: &[u8; 32],
    ) -> Result<Option<Receipt>, AppendError> {
        unimplemented!()
    }

    /// The events of a stream after `version`, in order.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn load(&self, _stream: StreamId, _version: u64) -> Result<Vec<Arc<RecordedEvent>>, ReadError> {
        unimplemented!()
    }

    /// The events of several streams, each up to and including a sequence (`u64::MAX`: all), in one statement;
    /// ordered by stream, then sequence.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn load_many(&self, _streams: &[(StreamId, u64)]) -> Result<Vec<Arc<RecordedEvent>>, ReadError> {
        unimplemented!()
    }

    /// At most `limit` events after `position`, in position order.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn read_after(
        &self,
        _position: Position,
        _selection: &Selection,
        _limit: u32,
    ) -> Result<Vec<Arc<RecordedEvent>>, ReadError> {
        unimplemented!()
    }

    /// The event at a position.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn read_at(&self, _position: Position) -> Result<Option<Arc<RecordedEvent>>, ReadError> {
        unimplemented!()
    }

    /// When `user` received which scopes, from the inbox written with each event about them. One statement.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn intervals(&self, _user: Uuid) -> Result<Vec<Interval>, ReadError> {
        unimplemented!()
    }

    /// What somebody is to catch up on, in position order: scope-wide events of the scopes within their
    /// intervals, and the events about them (inbox), each once. One statement. Events that are not scope-wide
    /// and not about the user are left out (the kinds are known from the event types).
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn feed(&self, _feed: &Feed) -> Result<Vec<Arc<RecordedEvent>>, ReadError> {
        unimplemented!()
    }

    /// The last `scope_seq` of a scope; 0 when it has no message.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn scope_seq(&self, _scope: Uuid) -> Result<u64, ReadError> {
        unimplemented!()
    }

    /// The newest state of the ledger.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn head(&self) -> Result<Head, ReadError> {
        unimplemented!()
    }

    /// Opens an event: unseals its personal values, brings it to today's shape, decodes it. Done once per event
    /// and process.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open_event<'e>(&self, _event: &'e RecordedEvent) -> Result<&'e Event, OpenError> {
        unimplemented!()
    }

    /// The keyed hash under which a name is unique.
    pub fn claim_hash(&self, _kind: ClaimKind, _name: &str) -> [u8; 32] {
        unimplemented!()
    }

    /// Whose a claimed name is.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn claimed_by(&self, _kind: ClaimKind, _hash: &[u8; 32]) -> Result<Option<Uuid>, ReadError> {
        unimplemented!()
    }

    /// The password hash of an account (PHC string).
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn password(&self, _user: Uuid) -> Result<Option<String>, ReadError> {
        unimplemented!()
    }

    /// The session, user, expiry (ms) of a refresh token, and when (ms) it was replaced, if it was.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn refresh_token(&self, _hash: &[u8; 32]) -> Result<Option<(Uuid, Uuid, i64, Option<i64>)>, ReadError> {
        unimplemented!()
    }
}
