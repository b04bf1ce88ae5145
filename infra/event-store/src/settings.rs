//! Settings of the log.

use crate::keyring::Keyring;
use domain::Timestamp;
use std::fmt;

/// Settings of the log.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The location: a SQLite file with [`sql::Durability::Full`], or a Postgres schema (`chatchit_log`).
    pub location: sql::Location,
    /// Connections for reading.
    pub connections: u32,
    /// The partitions of a new log; an existing one keeps its number.
    pub partitions: u16,
    /// The deployment's keys.
    pub keys: Keys,
    /// The clock of `recorded_at`.
    pub clock: fn() -> Timestamp,
}

/// The deployment's own keys.
#[derive(Clone)]
pub struct Keys {
    /// Wraps the data keys, and keys the hashes of claims.
    pub master: [u8; 32],
}

impl Keys {
    /// The name of the master key: 32 hexadecimal digits that are equal for equal keys, and reveal nothing of the key.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        Keyring::new(self).check()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(..)")
    }
}
