//! Who may send media signals to whom: those who are in the same call, or whom it rings.

use crate::{CallRef, CommandError, Commands, Context, error::refused, facts::Facts, state::Freshness};
use domain::{
    CallId, ConversationId, UserId,
    call::{CallError, CallStatus},
};

impl Commands {
    /// Who acts, and in which conversation the call is, when both they and `to` are in the call and its conversation by
    /// what this process knows now, or else by what the log says. In a direct one no block may stand between them.
    ///
    /// # Errors
    /// [`CommandError`]; `not_found`, `call_ended`, `not_in_call`; across a block, as for a message.
    pub async fn may_signal_in_call(
        &self,
        ctx: &Context,
        call: CallId,
        to: UserId,
    ) -> Result<(UserId, ConversationId), CommandError> {
        match self.signals_in_call(ctx, call, to, Freshness::Cached).await {
            Err(error) if error.is_verdict() => self.signals_in_call(ctx, call, to, Freshness::Fresh).await,
            known => known,
        }
    }

    async fn signals_in_call(
        &self,
        ctx: &Context,
        call: CallId,
        to: UserId,
        freshness: Freshness,
    ) -> Result<(UserId, ConversationId), CommandError> {
        let mut facts = Facts::new(self, ctx, freshness);
        let by = facts.actor().await?;
        let (_, call, conversation) = facts.call_of(by, CallRef::Call(call)).await?;
        facts.may_write(by, &conversation).await?;
        // Whoever has left the conversation is in the call until somebody takes them out, and hears no more at once.
        let takes_part = |user| call.state.involves(user) && conversation.may_take_part(user).is_ok();
        match (call.state.status(), call.state.begun()) {
            (CallStatus::Ringing | CallStatus::Ongoing, Some(begun)) if takes_part(by) && takes_part(to) => {
                Ok((by, begun.conversation))
            }
            (CallStatus::Ringing | CallStatus::Ongoing, _) => Err(refused(CallError::NotInCall)),
            (CallStatus::Ended | CallStatus::Missed | CallStatus::Refused, _) => Err(refused(CallError::Ended)),
        }
    }
}
