//! The commands on a session.

use super::{Device, EndReason};
use crate::UserId;

/// A command on a session.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names of the other fields say what they hold")]
pub enum SessionCommand {
    /// Signs a device in. The caller has checked the password.
    Start {
        /// The user.
        user: UserId,
        /// The device.
        device: Device,
        /// The user's [`sign_outs`](crate::user::User::sign_outs).
        sign_outs: u64,
    },
    /// Ends the session.
    End {
        /// The owner that the session must have.
        user: UserId,
        reason: EndReason,
    },
}
