//! What administrators did to the server itself.

use crate::{
    About, Tier, UserId,
    event::{Kind, kind},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An act of administration; each is a stream of its own, so that no two wait for each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum AdministrationEvent {
    /// An administrator is about to do something; it is noted before it is done.
    #[serde(rename = "administration.acted")]
    Acted {
        /// Who.
        by: UserId,
        /// What.
        act: Act,
        /// To what: a projection, a dead letter.
        target: String,
    },
}

/// What administrators do to the server itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    /// Rebuilds a projection from the log.
    #[serde(rename = "projection.rebuild")]
    RebuildProjection,
    /// Has an event applied again that could not be.
    #[serde(rename = "dead_letter.retry")]
    RetryDeadLetter,
    /// Gives up for good an event that cannot be applied.
    #[serde(rename = "dead_letter.discard")]
    DiscardDeadLetter,
}

impl AdministrationEvent {
    /// Name, version and tier.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Acted { .. } => kind("administration.acted", 1, Tier::Medium),
        }
    }

    pub(crate) const fn scope(&self, _stream: Uuid) -> Uuid {
        let Self::Acted { by, .. } = self;
        by.0
    }

    pub(crate) const fn is_scope_wide(&self) -> bool {
        false
    }

    pub(crate) const fn about(&self, _stream: Uuid) -> Vec<About> {
        Vec::new()
    }
}
