//! The log, the only source of truth: appends the events of commands durably and in one dense order, and reads them.
//!
//! Two engines behind one type, [`EventStore`]: SQLite (the embedded default) and Postgres.

mod append;
pub mod backup;
mod batch;
mod committed;
mod digest;
mod engine;
mod feed;
mod history;
mod incarnation;
mod keyring;
mod ledger;
mod open;
mod people;
mod prepare;
mod reactors;
mod read;
mod record;
mod seal;
mod secrets;
mod selection;
mod settings;
mod snapshots;
mod store;
mod verify;
mod writer;

pub use append::{
    Append, AppendError, Claim, ClaimChange, ClaimKind, CommandKey, Guard, NewEvent, Receipt, Retention, Secret,
};
pub use committed::{CommittedBatch, Heads, Link, Linked};
pub use digest::{first_chain, next_chain};
pub use history::{Moment, NoMoment, StateAt};
pub use incarnation::{FormerIncarnation, Renewed, renew_incarnation};
pub use keyring::Authenticator;
pub use ledger::LedgerRow;
pub use open::migrator;
pub use reactors::{NoReaction, ParkedReaction, ReactionId};
pub use record::{Origin, Record, RecordedEvent, StreamId};
pub use secrets::SERVER_KEY;
pub use selection::{Feed, Head, Interval, OpenError, ReadError, Selection};
pub use settings::{Keys, Settings};
pub use snapshots::Snapshot;
pub use store::{EventStore, OWN_CONNECTIONS};
pub use verify::{ChainFault, ChainWalk, CheckedBatch};

/// An event's number in the log: 1, 2, 3 … without gaps (I1). 0 is the position before the first event.
pub type Position = u64;
