//! What can be asked of an account.

use super::{Preferences, Profile, Role};
use crate::{
    UserId,
    text::{DisplayName, Link, PhoneNumber},
};

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
}

/// The wanted changes of a profile: `None` keeps, `Some(None)` removes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProfileChange {
    /// A new first name.
    pub first_name: Option<DisplayName>,
    /// A new last name.
    pub last_name: Option<DisplayName>,
    /// A new or removed picture.
    pub avatar_url: Option<Option<Link>>,
    /// A new or removed telephone number.
    pub phone: Option<Option<PhoneNumber>>,
    /// New preferences, replacing the old ones whole.
    pub preferences: Option<Preferences>,
}
