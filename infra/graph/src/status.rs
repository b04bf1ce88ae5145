//! The state of the graph's engine.

use serde::Serialize;
use std::time::Instant;

/// Whether the graph is available now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It is available.
    Up,
    /// It is unavailable.
    Away {
        /// The time of the failure.
        since: Instant,
        /// The cause, for an operator; contains no password.
        why: String,
    },
}

impl Health {
    /// Whether it is available.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        matches!(self, Self::Up)
    }
}

/// Counts of this process's requests to Redis since it started; all zero for the graph in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Commands sent.
    pub commands: u64,
    /// Round trips in which they were sent.
    pub round_trips: u64,
    /// Failed round trips, including those refused at once while Redis was unavailable.
    pub failed: u64,
    /// Failed round trips without an answer in time.
    pub timed_out: u64,
    /// Calls of scripts that Redis did not know, and whose source was sent.
    pub scripts_sent: u64,
    /// Connections made after the first.
    pub reconnections: u64,
}

/// What Redis says of itself. Its counts are of all its clients, since it started.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RedisInfo {
    /// Its version.
    pub version: String,
    /// The memory that it uses, in bytes.
    pub used_memory_bytes: u64,
    /// The memory that it may use, in bytes; 0: no bound.
    pub max_memory_bytes: u64,
    /// Keys in all its databases.
    pub keys: u64,
    /// Reads of keys that were there.
    pub hits: u64,
    /// Reads of keys that were not.
    pub misses: u64,
    /// Keys evicted for want of memory.
    pub evicted: u64,
    /// Connections of clients.
    pub clients: u64,
    /// How long it took to answer this, in seconds.
    pub latency_seconds: f64,
}
