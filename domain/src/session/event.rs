//! The events of a session.

use crate::{
    Personal, Recipient, UserId,
    catalogue::{EventType, events},
    text::DeviceName,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

events! {
    /// An event of a session.
    #[derive(Clone, Debug, PartialEq)]
    #[expect(missing_docs, reason = "the names of the other fields say what they hold")]
    SessionEvent of Session {
        Started => "session.started" v1 Medium Named,
        Ended   => "session.ended"   v1 High   Named,
    }

    /// A device signed in.
    Started {
        user: UserId,
        /// The device.
        device: Personal<Device>,
        /// The owner's number of sign-outs everywhere; absent in older events.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sign_outs: Option<u64>,
    },
    /// The session ended; its tokens are invalid.
    Ended {
        user: UserId,
        reason: EndReason,
    },
}

/// The device of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// The client's name for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<DeviceName>,
    /// Its IP address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
}

/// The reason of a session's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The device signed out.
    Logout,
    /// The person ended it from another device.
    Revoked,
    /// A replaced refresh token was used: it may have been copied.
    TokenReuse,
    /// The person changed their password on another device.
    PasswordChanged,
    /// The person deactivated their account.
    Deactivated,
    /// The person erased their account.
    Erased,
    /// Its refresh token expired.
    Expired,
    /// The account reached the most sessions, and this one was renewed longest ago.
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
    /// The type of [`SessionEvent::Started`].
    pub const STARTED: &'static EventType = EventType::named("session.started");
    /// The type of [`SessionEvent::Ended`].
    pub const ENDED: &'static EventType = EventType::named("session.ended");

    pub(crate) fn scope(&self, _stream: Uuid) -> Uuid {
        match self {
            Self::Started { user, .. } | Self::Ended { user, .. } => user.0,
        }
    }

    pub(crate) fn recipients(&self, _stream: Uuid) -> Vec<Recipient> {
        Vec::new()
    }
}
