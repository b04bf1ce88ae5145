//! The refusals of a pair.

use crate::{Refusal, RefusalKind};

/// A refusal of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FriendshipError {
    /// Both are the same person.
    #[error("you cannot do this to yourself")]
    Oneself,
    /// The other has blocked the actor: the same answer as for an unknown person.
    #[error("there is no such user")]
    NotFound,
    /// The actor has blocked the other.
    #[error("you have blocked this user")]
    BlockedByYou,
    /// They are friends already.
    #[error("you are friends already")]
    AlreadyFriends,
    /// There is no pending request to answer or withdraw.
    #[error("there is no such friend request")]
    RequestNotFound,
    /// The other rejected the last request recently: only they may request now.
    #[error("this user turned your request down: only they can ask now")]
    RequestRejected,
    /// A rate limit.
    #[error("you did this too often: wait a while")]
    TooOften {
        /// In milliseconds.
        wait_ms: i64,
    },
    /// They are not friends.
    #[error("you are not friends")]
    NotFriends,
    /// The actor has no block to lift.
    #[error("you have not blocked this user")]
    NotBlocked,
}

impl Refusal for FriendshipError {
    fn code(&self) -> &'static str {
        match self {
            Self::Oneself => "oneself",
            Self::NotFound => "not_found",
            Self::BlockedByYou => "blocked_by_you",
            Self::AlreadyFriends => "already_friends",
            Self::RequestNotFound => "request_not_found",
            Self::RequestRejected => "request_rejected",
            Self::TooOften { .. } => "too_often",
            Self::NotFriends => "not_friends",
            Self::NotBlocked => "not_blocked",
        }
    }
    fn kind(&self) -> RefusalKind {
        match self {
            Self::Oneself => RefusalKind::Invalid,
            Self::NotFound | Self::RequestNotFound => RefusalKind::NotFound,
            Self::BlockedByYou
            | Self::AlreadyFriends
            | Self::RequestRejected
            | Self::TooOften { .. }
            | Self::NotFriends
            | Self::NotBlocked => RefusalKind::Conflict,
        }
    }
    fn field(&self) -> Option<&'static str> {
        matches!(self, Self::Oneself).then_some("userId")
    }
    fn wait_ms(&self) -> Option<i64> {
        match self {
            Self::TooOften { wait_ms } => Some(*wait_ms),
            _ => None,
        }
    }
}
