//! Authorization of media signals: between participants of a call, those it rings included.

use crate::{
    CallRef, CommandError, Commands, Context,
    engine::{Facts, Freshness, refused},
};
use domain::{
    CallId, ConversationId, UserId,
    call::{CallError, CallStatus},
};

impl Commands {
    /// The actor and the conversation of the call. Both the actor and `to` must be in the call and its conversation, by
    /// cached or else by fresh state; in a direct conversation without a block.
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
        // A person who left the conversation receives no more signals, even before the reactor removes them from the
        // call.
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
