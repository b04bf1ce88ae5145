//! The log: the only truth. Appends commands' events durably and in one dense order, and reads them back.
//!
//! Two engines behind one type, [`EventStore`]: SQLite (the embedded default) and Postgres.

mod append;
mod committed;
mod record;
mod store;

pub use append::{
    Append, AppendError, Claim, ClaimChange, ClaimKind, CommandKey, Guard, NewEvent, Receipt, Retention, Secret,
};
pub use committed::{CommittedBatch, Heads, Link, Linked};
pub use record::{Origin, Record, RecordedEvent, StreamId};
pub use store::{EventStore, Feed, Head, Interval, Keys, OpenError, ReadError, Selection, Settings};

/// The place of an event in the one order: 1, 2, 3 … with no holes (I1). 0 stands before the first.
pub type Position = u64;
