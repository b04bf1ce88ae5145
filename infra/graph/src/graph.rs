//! The port: who has to do with whom, and who is here.

use crate::{Change, Memory, Position, relations::Relations};
use domain::{ConversationId, SessionId, Timestamp, UserId};
use std::{collections::BTreeSet, sync::Arc};

/// The graph. Clones share it.
///
/// What every arm MUST do: keep with each relation the last position that changed it, and ignore a change told
/// again or too late; so any doubling of events gives the same graph (I14). Keep leases apart from relations:
/// leases are no projection, and survive [`Graph::clear`].
#[derive(Clone, Debug)]
pub enum Graph {
    /// In this process's memory.
    Memory(Arc<Memory>),
}

/// A graph that does not answer.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// It is away; come back later, or do without.
    #[error("the graph is unavailable: {0}")]
    Unavailable(String),
}

impl Graph {
    /// An empty graph in this process's memory.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::Memory(Arc::default())
    }

    /// Applies what the event at `position` changes; not more than once, and not after a later change of the
    /// same relation.
    ///
    /// # Errors
    /// [`GraphError`]; then it is not applied.
    pub async fn apply(&self, position: Position, change: &Change) -> Result<(), GraphError> {
        match self {
            Self::Memory(memory) => memory.relations().apply(position, *change),
        }
        Ok(())
    }

    /// The greatest position applied so far; 0 for an empty graph.
    ///
    /// # Errors
    /// [`GraphError`].
    pub async fn position(&self) -> Result<Position, GraphError> {
        match self {
            Self::Memory(memory) => Ok(memory.relations().position()),
        }
    }

    /// Forgets all relations, so that they can be applied again from the first event.
    ///
    /// # Errors
    /// [`GraphError`].
    pub async fn clear(&self) -> Result<(), GraphError> {
        match self {
            Self::Memory(memory) => *memory.relations() = Relations::default(),
        }
        Ok(())
    }

    /// The friends of `user`.
    ///
    /// # Errors
    /// [`GraphError`].
    pub async fn friends(&self, user: UserId) -> Result<BTreeSet<UserId>, GraphError> {
        match self {
            Self::Memory(memory) => Ok(memory.relations().friends(user)),
        }
    }

    /// Whom `user` has blocked.
    ///
    /// # Errors
    /// [`GraphError`].
    pub async fn blocked_by(&self, user: UserId) -> Result<BTreeSet<UserId>, GraphError> {
        match self {
            Self::Memory(memory) => Ok(memory.relations().blocked_by(user)),
        }
    }

    /// The members of `conversation`.
    ///
    /// # Errors
    /// [`GraphError`].
    pub async fn members(&self, conversation: ConversationId) -> Result<BTreeSet<UserId>, GraphError> {
        match self {
            Self::Memory(memory) => Ok(memory.relations().members(conversation)),
        }
    }

    /// The conversations `user` is a member of.
    ///
    /// # Errors
    /// [`GraphError`].
    pub async fn conversations(&self, user: UserId) -> Result<BTreeSet<ConversationId>, GraphError> {
        match self {
            Self::Memory(memory) => Ok(memory.relations().conversations(user)),
        }
    }

    /// `session` of `user` is here until `until`, or longer if that was said before.
    ///
    /// # Errors
    /// [`GraphError`].
    pub async fn lease(&self, user: UserId, session: SessionId, until: Timestamp) -> Result<(), GraphError> {
        match self {
            Self::Memory(memory) => memory.leases().lease(user, session, until),
        }
        Ok(())
    }

    /// `session` of `user` is gone.
    ///
    /// # Errors
    /// [`GraphError`].
    pub async fn release(&self, user: UserId, session: SessionId) -> Result<(), GraphError> {
        match self {
            Self::Memory(memory) => memory.leases().release(user, session),
        }
        Ok(())
    }

    /// The sessions of `user` that are here at `now`, in the order of their ids. A lease holds before its end.
    ///
    /// # Errors
    /// [`GraphError`].
    pub async fn sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<SessionId>, GraphError> {
        match self {
            Self::Memory(memory) => Ok(memory.leases().sessions(user, now)),
        }
    }

    /// Drops all leases that have ended by `now`; answers, in the order of their ids, whose last one that was.
    ///
    /// # Errors
    /// [`GraphError`].
    pub async fn expire(&self, now: Timestamp) -> Result<Vec<UserId>, GraphError> {
        match self {
            Self::Memory(memory) => Ok(memory.leases().expire(now)),
        }
    }
}
