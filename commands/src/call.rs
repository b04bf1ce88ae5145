//! What the commands on calls share: which call is meant, and that a conversation has one at a time.

use crate::{
    CommandError,
    error::refused,
    facts::{Decided, Facts},
    state::Versioned,
};
use domain::{
    CallId, ConversationId, UserId,
    call::{Call, CallCommand, CallError},
    conversation::Conversation,
};
use event_store::{Claim, ClaimChange, ClaimKind};
use serde::Serialize;
use std::sync::Arc;

/// Which call is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum CallRef {
    /// This one.
    Call(CallId),
    /// The one that the conversation has now.
    In(ConversationId),
}

impl Facts<'_> {
    /// The call that a conversation has now.
    pub(crate) async fn active_call(&self, conversation: ConversationId) -> Result<Option<CallId>, CommandError> {
        let hash = self.store().claim_hash(ClaimKind::ActiveCall, &conversation.to_string());
        Ok(self.store().claimed_by(ClaimKind::ActiveCall, &hash).await?.map(CallId))
    }

    /// The call that is meant, if there is one.
    pub(crate) async fn meant_call(&mut self, meant: CallRef) -> Result<(CallId, Versioned<Call>), CommandError> {
        let id = match meant {
            CallRef::Call(id) => Some(id),
            CallRef::In(conversation) => self.active_call(conversation).await?,
        };
        let id = id.ok_or_else(|| refused(CallError::NotFound))?;
        Ok((id, self.get::<Call>(id).await?))
    }

    /// The call that is meant, in whose conversation `user` takes part.
    pub(crate) async fn call_of(
        &mut self,
        user: UserId,
        meant: CallRef,
    ) -> Result<(CallId, Versioned<Call>, Arc<Conversation>), CommandError> {
        let (id, call) = self.meant_call(meant).await?;
        let begun = call.state.begun().ok_or_else(|| refused(CallError::NotFound))?;
        let conversation = self.conversation_of(user, begun.conversation).await?.state;
        Ok((id, call, conversation))
    }

    /// Decides on a call. The conversation's claim is taken when it begins, and given up when it is over.
    pub(crate) fn decide_call(
        &mut self,
        id: CallId,
        before: Versioned<Call>,
        command: CallCommand,
    ) -> Result<Decided<Call>, CommandError> {
        let was_active = before.state.is_active();
        let decided = self.decide_on(id, before, command)?;
        let change = match (was_active, decided.state.is_active()) {
            (false, true) => ClaimChange::Take,
            (true, false) => ClaimChange::Release,
            _ => return Ok(decided),
        };
        if let Some(begun) = decided.state.begun() {
            let hash = self.store().claim_hash(ClaimKind::ActiveCall, &begun.conversation.to_string());
            self.claims.push(Claim { kind: ClaimKind::ActiveCall, hash, change, owner: id.0 });
        }
        Ok(decided)
    }
}
