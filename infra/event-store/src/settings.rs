//! How to open the log.

use domain::Timestamp;
use std::fmt;

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

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(..)")
    }
}
