//! Finds the call of a command. A conversation has one active call; people who left it are removed from its call.

use crate::{
    CommandError,
    engine::{Decided, Facts, Versioned, refused},
};
use domain::{
    CallId, ConversationId, UserId,
    call::{Call, CallCommand, CallError, EndReason},
    conversation::Conversation,
};
use event_store::{Claim, ClaimChange, ClaimKind};
use serde::Serialize;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum CallRef {
    Call(CallId),
    /// The active call of the conversation.
    In(ConversationId),
}

impl Facts<'_> {
    /// The active call of a conversation.
    pub(crate) async fn active_call(&self, conversation: ConversationId) -> Result<Option<CallId>, CommandError> {
        let hash = self.store().claim_hash(ClaimKind::ActiveCall, &conversation.to_string());
        Ok(self.store().claimed_by(ClaimKind::ActiveCall, &hash).await?.map(CallId))
    }

    /// The call; refused if there is none.
    pub(crate) async fn meant_call(&mut self, meant: CallRef) -> Result<(CallId, Versioned<Call>), CommandError> {
        let id = match meant {
            CallRef::Call(id) => Some(id),
            CallRef::In(conversation) => self.active_call(conversation).await?,
        };
        let id = id.ok_or_else(|| refused(CallError::NotFound))?;
        Ok((id, self.get::<Call>(id).await?))
    }

    /// The call and its conversation; refused unless `user` takes part in the conversation.
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

    /// Decides on a call. Participants who have left the conversation are removed first; if the conversation is
    /// deleted, the call ends.
    pub(crate) fn decide_call_of(
        &mut self,
        id: CallId,
        before: Versioned<Call>,
        conversation: &Conversation,
        command: CallCommand,
    ) -> Result<Decided<Call>, CommandError> {
        let reason = EndReason::Removed;
        let involved: Vec<_> = before.state.involved().collect();
        let commands: Vec<_> = match conversation.is_live() {
            false if involved.is_empty() => vec![command],
            false => vec![CallCommand::End { reason }],
            true => {
                let outside = involved.into_iter().filter(|user| conversation.may_take_part(*user).is_err());
                outside.map(|user| CallCommand::Drop { user, reason }).chain([command]).collect()
            }
        };
        let (begun_with, was_active) = (self.events.len(), before.state.is_active());
        let mut decided = Decided { id: id.0, state: Arc::clone(&before.state) };
        for command in commands {
            if was_active && !decided.state.is_active() {
                break;
            }
            let version = before.version + (self.events.len() - begun_with) as u64;
            decided = self.decide_on(id, Versioned { version, state: decided.state }, command)?;
        }
        self.claim_for_call(was_active, decided)
    }

    /// Decides on a call that begins or is joined.
    pub(crate) fn decide_call(
        &mut self,
        id: CallId,
        before: Versioned<Call>,
        command: CallCommand,
    ) -> Result<Decided<Call>, CommandError> {
        let was_active = before.state.is_active();
        let decided = self.decide_on(id, before, command)?;
        self.claim_for_call(was_active, decided)
    }

    /// Takes the conversation's claim when a call begins, and releases it when it ends.
    fn claim_for_call(&mut self, was_active: bool, decided: Decided<Call>) -> Result<Decided<Call>, CommandError> {
        let change = match (was_active, decided.state.is_active()) {
            (false, true) => ClaimChange::Take,
            (true, false) => ClaimChange::Release,
            _ => return Ok(decided),
        };
        if let Some(begun) = decided.state.begun() {
            let hash = self.store().claim_hash(ClaimKind::ActiveCall, &begun.conversation.to_string());
            self.claims.push(Claim { kind: ClaimKind::ActiveCall, hash, change, owner: decided.id });
        }
        Ok(decided)
    }
}
