//! What can be asked of an account.

use super::{Preferences, Profile, Role};
use crate::{
    SessionId, UserId,
    text::{DisplayName, Link, PhoneNumber},
};
use serde::Serialize;

/// A command on the account `user`.
#[derive(Clone, Debug, PartialEq)]
pub enum UserCommand {
    /// Open the account. That the address is free is decided by a claim in the append.
    Register {
        /// The new account's id.
        user: UserId,
        /// Its role: the first administrator registers as one.
        role: Role,
        /// Name and contacts.
        profile: Profile,
    },
    /// Change the profile; what is `None` stays.
    Update {
        /// The account.
        user: UserId,
        /// What changes.
        change: ProfileChange,
    },
    /// Stop the account from acting.
    Block,
    /// Let it act again.
    Unblock,
    /// Note that the password was changed; the new one is no part of it.
    ChangePassword {
        /// The session that goes on.
        kept: Option<SessionId>,
    },
    /// Hide it until its owner signs in again.
    Deactivate,
    /// End that: its owner has signed in.
    Reactivate,
    /// Forget its owner.
    Erase,
    /// Give it another role.
    SetRole {
        /// Which.
        role: Role,
    },
}

/// The wanted changes of a profile: `None` keeps, `Some(None)` removes.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ProfileChange {
    /// A new first name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<DisplayName>,
    /// A new last name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<DisplayName>,
    /// A new or removed picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<Option<Link>>,
    /// A new or removed telephone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<Option<PhoneNumber>>,
    /// New preferences, replacing the old ones whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferences: Option<Preferences>,
}
