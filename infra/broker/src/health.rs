//! Whether the broker connects processes now.

use std::time::Instant;

/// Whether the broker connects processes now. While it does not, consumers read the store.
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
