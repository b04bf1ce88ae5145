//! What can be asked of a session.

use super::{Device, EndReason};
use crate::UserId;

/// A command on a session.
#[derive(Clone, Debug, PartialEq)]
pub enum SessionCommand {
    /// Sign a device in. The password was checked before.
    Start {
        /// Who signs in.
        user: UserId,
        /// From where.
        device: Device,
        /// How often they had signed out everywhere ([`User::sign_outs`](crate::user::User::sign_outs)).
        sign_outs: u64,
    },
    /// End the session.
    End {
        /// Whose session it must be.
        user: UserId,
        /// Why.
        reason: EndReason,
    },
}
