//! Whether the broker carries anything between processes now.

use std::time::Instant;

/// Whether the broker carries anything between processes now. While it does not, followers read the store.
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
