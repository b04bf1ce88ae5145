//! What the commands on calls share: which call is meant, that a conversation has one at a time, and that whoever is no
//! longer in the conversation is no longer in its call.

use crate::{
    CommandError,
    error::refused,
    facts::{Decided, Facts},
    state::Versioned,
};
use domain::{
    CallId, ConversationId, MessageId, UserId,
    call::{Call, CallCommand, CallError, EndReason},
    conversation::Conversation,
};
use event_store::{Claim, ClaimChange, ClaimKind, EventStore};
use serde::Serialize;
use std::sync::Arc;
use uuid::Builder;

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

    /// Decides on a call, of whose people some may have left the conversation, or which may be over, before anything
    /// took them out of the call: that is done first.
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

    /// Decides on a call that begins, or that somebody joins.
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

    /// The conversation's claim is taken when a call begins, and given up when it is over.
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

/// The id of the message that records a call in its conversation. Always the same, and known to nobody who has no key of
/// the log: nobody can take it beforehand.
pub(crate) fn record_of(store: &EventStore, call: CallId) -> MessageId {
    let hash = store.claim_hash(ClaimKind::ActiveCall, &format!("record of {call}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    MessageId(Builder::from_custom_bytes(bytes).into_uuid())
}
