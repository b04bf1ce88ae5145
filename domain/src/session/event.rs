//! What happened to a session.

use crate::{
    About, Personal, Tier, UserId,
    event::{Kind, kind},
    text::DeviceName,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An event of a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum SessionEvent {
    /// A device signed in.
    #[serde(rename = "session.started")]
    Started {
        /// Whose.
        user: UserId,
        /// From where.
        device: Personal<Device>,
        /// How often its owner had signed out everywhere by then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sign_outs: Option<u64>,
    },
    /// The session is over; its tokens are refused from here on.
    #[serde(rename = "session.ended")]
    Ended {
        /// Whose.
        user: UserId,
        /// Why.
        reason: EndReason,
    },
}

/// Where a session was started from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// What the client calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<DeviceName>,
    /// The address it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The device signed out.
    Logout,
    /// The person ended it from another device.
    Revoked,
    /// An old refresh token was used again: somebody else may hold it.
    TokenReuse,
    /// The person changed their password on another device.
    PasswordChanged,
    /// The person deactivated their account.
    Deactivated,
    /// The person erased their account.
    Erased,
    /// Its refresh token expired.
    Expired,
    /// The person signed in on more devices than an account has at a time; this one was not used for the longest.
    Superseded,
}

impl EndReason {
    /// The word in the read models.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Revoked => "revoked",
            Self::TokenReuse => "token_reuse",
            Self::PasswordChanged => "password_changed",
            Self::Deactivated => "deactivated",
            Self::Erased => "erased",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
        }
    }
}

impl SessionEvent {
    /// Name, version and tier.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Started { .. } => kind("session.started", 1, Tier::Medium),
            Self::Ended { .. } => kind("session.ended", 1, Tier::High),
        }
    }

    pub(crate) fn scope(&self, _stream: Uuid) -> Uuid {
        match self {
            Self::Started { user, .. } | Self::Ended { user, .. } => user.0,
        }
    }

    pub(crate) const fn is_scope_wide(&self) -> bool {
        false
    }

    pub(crate) fn about(&self, _stream: Uuid) -> Vec<About> {
        Vec::new()
    }
}
