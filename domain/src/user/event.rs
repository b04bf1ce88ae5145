//! What happened to an account.

use super::{Preferences, Profile, Role};
use crate::{
    About, Personal, SessionId, Tier,
    event::{Kind, kind},
    text::{DisplayName, Link, PhoneNumber},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An event of an account; the stream's id is the user's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum UserEvent {
    /// The account was opened.
    #[serde(rename = "account.registered")]
    Registered {
        /// Its role.
        role: Role,
        /// Name and contacts.
        profile: Personal<Profile>,
    },
    /// The profile was changed.
    #[serde(rename = "account.updated")]
    Updated {
        /// What changed.
        changed: Personal<ProfileChanged>,
    },
    /// The account was stopped from acting.
    #[serde(rename = "account.blocked")]
    Blocked,
    /// The account may act again.
    #[serde(rename = "account.unblocked")]
    Unblocked,
    /// The password was changed; sessions that began with the old one are over.
    #[serde(rename = "account.password_changed")]
    PasswordChanged {
        /// The session that goes on: the one that changed it.
        kept: Option<SessionId>,
    },
    /// Its owner hid the account, until they sign in again.
    #[serde(rename = "account.deactivated")]
    Deactivated,
    /// Its owner is back.
    #[serde(rename = "account.reactivated")]
    Reactivated,
    /// Its owner is forgotten: what was sealed for them can be read no more.
    #[serde(rename = "account.erased")]
    Erased,
    /// An administrator gave the account another role.
    #[serde(rename = "account.role_changed")]
    RoleChanged {
        /// The role from here on.
        role: Role,
    },
}

/// Changed fields of a profile: an absent one stayed, a `null` was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileChanged {
    /// The new first name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<DisplayName>,
    /// The new last name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<DisplayName>,
    /// The new picture.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub avatar_url: Option<Option<Link>>,
    /// The new telephone number.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub phone: Option<Option<PhoneNumber>>,
    /// The new preferences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferences: Option<Preferences>,
}

/// Tells a field that is `null` from one that is absent.
fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

impl UserEvent {
    /// Name, version and tier.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Registered { .. } => kind("account.registered", 1, Tier::Medium),
            Self::Updated { .. } => kind("account.updated", 1, Tier::Medium),
            Self::Blocked => kind("account.blocked", 1, Tier::High),
            Self::Unblocked => kind("account.unblocked", 1, Tier::High),
            Self::PasswordChanged { .. } => kind("account.password_changed", 1, Tier::High),
            Self::Deactivated => kind("account.deactivated", 1, Tier::High),
            Self::Reactivated => kind("account.reactivated", 1, Tier::High),
            Self::Erased => kind("account.erased", 1, Tier::High),
            Self::RoleChanged { .. } => kind("account.role_changed", 1, Tier::High),
        }
    }

    pub(crate) const fn scope(&self, stream: Uuid) -> Uuid {
        stream
    }

    pub(crate) const fn is_scope_wide(&self) -> bool {
        false
    }

    pub(crate) fn about(&self, stream: Uuid) -> Vec<About> {
        vec![About::told(stream.into())]
    }
}
