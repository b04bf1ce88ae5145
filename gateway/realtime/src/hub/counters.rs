//! Counts of signals.

use serde::Serialize;
use std::sync::atomic::AtomicU64;
use utoipa::ToSchema;

/// What became of signals at the sockets of this process.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) pushed: AtomicU64,
    pub(super) shed: AtomicU64,
}

/// What became of signals at the sockets of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignalCounts {
    /// Put into an outbox.
    #[serde(rename = "told")]
    pub pushed: u64,
    /// Kept from a client that reads too slowly.
    pub shed: u64,
}
