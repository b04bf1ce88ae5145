//! The reader of a replayed push.

use domain::{Timestamp, UserId, friendship::Friendship};

/// The reader of a replayed push, and what else decides about it.
pub(super) struct Again<'a> {
    pub(super) reader: UserId,
    pub(super) now: Timestamp,
    /// How the author of a story stands with the reader.
    pub(super) pair: &'a Friendship,
    /// Whether the author of a story may act.
    pub(super) author_acts: bool,
    /// Whether a block stands between the reader and who did it.
    pub(super) is_blocked_either_way: bool,
}
