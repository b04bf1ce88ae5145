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
    },
    /// End the session.
    End {
        /// Whose session it must be.
        user: UserId,
        /// Why.
        reason: EndReason,
    },
}
