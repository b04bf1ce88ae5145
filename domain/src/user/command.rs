//! The commands on an account.

use super::{Profile, ProfileChange, Role};
use crate::{SessionId, UserId};

/// A command on the account `user`.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names of the other fields say what they hold")]
pub enum UserCommand {
    /// Registers the account. A claim in the append decides that the address is free.
    Register {
        /// The new account's id.
        user: UserId,
        /// The first administrator registers as one.
        role: Role,
        profile: Profile,
    },
    /// Changes the profile; `None` keeps.
    Update { user: UserId, change: ProfileChange },
    /// Blocks the account.
    Block,
    /// Unblocks it.
    Unblock,
    /// Records a password change, without the password.
    ChangePassword {
        /// The session that is kept.
        kept: Option<SessionId>,
    },
    /// Deactivates it until the next sign-in.
    Deactivate,
    /// Reactivates it at sign-in.
    Reactivate,
    /// Erases its owner.
    Erase,
    /// Changes its role.
    SetRole { role: Role },
}
