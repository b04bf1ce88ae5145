//! Clients that go on although they are rate limited.

use super::{Budget, Cell};

/// So many refused commands of a socket are forgiven at once, then so many a second: a client that tries again ten times a
/// second with a few commands is slowed and stays, since a refusal costs next to nothing.
const FORGIVEN: Budget = Budget::new(500, 40);

/// The refused commands of one socket.
#[derive(Debug, Default)]
pub struct Strikes(Cell);

impl Strikes {
    /// One more was refused at `now` (in milliseconds); answers whether that is too many.
    pub fn strike(&self, now: i64) -> bool {
        self.0.take(FORGIVEN, 1, now.saturating_mul(1_000)).is_err()
    }
}
