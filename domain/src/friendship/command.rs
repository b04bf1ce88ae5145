//! What one person can ask concerning another.

use crate::{Timestamp, UserId};
use serde::Serialize;

/// A command of `by` concerning `with`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FriendshipCommand {
    /// Who asks.
    pub by: UserId,
    /// The other one.
    pub with: UserId,
    /// What is asked.
    pub act: FriendshipAct,
    /// When.
    pub now: Timestamp,
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum FriendshipAct {
    /// To become friends; a request that crosses another accepts it.
    Request,
    /// To accept the other's request.
    Accept,
    /// To turn the other's request down.
    Reject,
    /// To take one's own request back.
    Cancel,
    /// To have nothing to do with the other; ends a friendship or request.
    Block,
    /// To lift one's own block.
    Unblock,
    /// To end the friendship.
    Unfriend,
}
