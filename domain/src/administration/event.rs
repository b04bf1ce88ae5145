//! The acts of administrators on the server itself.

use crate::{Recipient, UserId, catalogue::events};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

events! {
    /// An act of administration. Each has a stream of its own, so that acts do not contend.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[expect(missing_docs, reason = "the names of the other fields say what they hold")]
    AdministrationEvent of Administration {
        Acted => "administration.acted" v1 Medium Named,
    }

    /// An administrator is about to act; recorded before the act.
    Acted {
        by: UserId,
        act: Act,
        /// A projection, a dead letter.
        target: String,
    },
}

/// The acts of administrators on the server itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    /// Rebuilds a projection from the log.
    #[serde(rename = "projection.rebuild")]
    RebuildProjection,
    /// Retries a dead letter.
    #[serde(rename = "dead_letter.retry")]
    RetryDeadLetter,
    /// Discards a dead letter.
    #[serde(rename = "dead_letter.discard")]
    DiscardDeadLetter,
}

impl AdministrationEvent {
    pub(crate) const fn scope(&self, _stream: Uuid) -> Uuid {
        let Self::Acted { by, .. } = self;
        by.0
    }

    pub(crate) const fn recipients(&self, _stream: Uuid) -> Vec<Recipient> {
        Vec::new()
    }
}
