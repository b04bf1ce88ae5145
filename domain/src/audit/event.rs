//! What happened to the audit log: it was read.

use crate::{
    About, Tier, UserId,
    event::{Kind, kind},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// An event of a reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum AuditEvent {
    /// An administrator asked the audit log, and was answered after this was stored.
    #[serde(rename = "audit.read")]
    Read {
        /// Who.
        by: UserId,
        /// What was asked.
        what: Question,
        /// Of what: the parameters, as they were understood.
        filters: BTreeMap<String, String>,
    },
}

/// What can be asked of the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// A page of events.
    Events,
    /// One event with its causes and effects.
    Event,
    /// An aggregate as it was.
    State,
    /// Who could see a conversation.
    Viewers,
    /// All events of a filter, as a file.
    Export,
    /// The signed head.
    Head,
    /// Whether the chain holds.
    Verify,
}

impl AuditEvent {
    /// Name, version and tier.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Read { .. } => kind("audit.read", 1, Tier::Medium),
        }
    }

    pub(crate) const fn scope(&self, _stream: Uuid) -> Uuid {
        match self {
            Self::Read { by, .. } => by.0,
        }
    }

    pub(crate) const fn is_scope_wide(&self) -> bool {
        false
    }

    pub(crate) const fn about(&self, _stream: Uuid) -> Vec<About> {
        Vec::new()
    }
}
