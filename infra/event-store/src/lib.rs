//! The log: the only truth. Appends commands' events durably and in one dense order, and reads them back.
//!
//! Two engines behind one type, [`EventStore`]: SQLite (the embedded default) and Postgres.

mod append;
mod batch;
mod committed;
mod digest;
mod engine;
mod feed;
mod history;
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
pub use keyring::Authenticator;
pub use ledger::LedgerRow;
pub use reactors::{NoReaction, ParkedReaction, ReactionId};
pub use record::{Origin, Record, RecordedEvent, StreamId};
pub use secrets::SERVER_KEY;
pub use selection::{Feed, Head, Interval, OpenError, ReadError, Selection};
pub use settings::{Keys, Settings};
pub use snapshots::Snapshot;
pub use store::EventStore;
pub use verify::{ChainFault, ChainWalk, CheckedBatch};

/// The place of an event in the one order: 1, 2, 3 … with no holes (I1). 0 stands before the first.
pub type Position = u64;
