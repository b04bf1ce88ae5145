//! How the graph's engine is doing.

use serde::Serialize;
use std::time::Instant;

/// Whether the graph answers now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It does.
    Up,
    /// It does not.
    Away {
        /// Since when.
        since: Instant,
        /// What is wrong, for an operator; holds no password.
        why: String,
    },
}

impl Health {
    /// Whether it does.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        matches!(self, Self::Up)
    }
}

/// What this process has asked of Redis since it started; all zero for the graph in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Commands sent.
    pub commands: u64,
    /// Round trips in which they were sent.
    pub round_trips: u64,
    /// Round trips that failed, those refused at once while Redis was away included.
    pub failed: u64,
    /// Of these, the ones that had no answer in time.
    pub timed_out: u64,
    /// Calls of scripts that Redis did not know (any more), and that were sent whole.
    pub scripts_sent: u64,
    /// Connections made after the first.
    pub reconnections: u64,
}
