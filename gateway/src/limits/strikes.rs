//! Who goes on although they were told to wait.

use super::{Budget, Cell};

/// So many refused commands of a socket are forgiven.
const FORGIVEN: Budget = Budget::new(500, 5);

/// The refused commands of one socket.
#[derive(Debug, Default)]
pub(crate) struct Strikes(Cell);

impl Strikes {
    /// One more was refused at `now` (in milliseconds); answers whether that is too many.
    pub(crate) fn strike(&self, now: i64) -> bool {
        self.0.take(FORGIVEN, 1, now.saturating_mul(1_000)).is_err()
    }
}
