//! The readings of the audit log.

use crate::{Recipient, UserId, catalogue::events};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

events! {
    /// An event of a reading.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[expect(missing_docs, reason = "the names of the other fields say what they hold")]
    AuditEvent of Audit {
        Read => "audit.read" v1 Medium Named,
    }

    /// An administrator queried the audit log; stored before the answer.
    Read {
        by: UserId,
        what: Question,
        /// The parameters, as they were understood.
        filters: BTreeMap<String, String>,
    },
}

/// The queries of the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// A page of events.
    Events,
    /// One event with its causes and effects.
    Event,
    /// A past state of an aggregate.
    State,
    /// The viewers of a conversation.
    Viewers,
    /// All events of a filter, as a download.
    Export,
    /// The signed head.
    Head,
    /// The verification of the hash chain.
    Verify,
}

impl AuditEvent {
    pub(crate) const fn scope(&self, _stream: Uuid) -> Uuid {
        match self {
            Self::Read { by, .. } => by.0,
        }
    }

    pub(crate) const fn recipients(&self, _stream: Uuid) -> Vec<Recipient> {
        Vec::new()
    }
}
