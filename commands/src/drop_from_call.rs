//! Somebody is taken out of a call without their doing, or it ends for all, because its ground is gone.

use crate::{
    CallRef, CommandError, Commands, Context, Done,
    execute::{Caller, UseCase},
    facts::{Decided, Facts},
};
use domain::{
    CallId, Timestamp, UserId,
    call::{Call, CallCommand, EndReason},
    conversation::Conversation,
    user::User,
};
use serde::Serialize;

/// Why somebody is to leave. What it rests on is asked again when it is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Cause {
    /// They are no longer connected.
    ConnectionLost(UserId),
    /// They may no longer be in the conversation.
    Removed(UserId),
    /// Their account may be stopped from acting.
    Stopped(UserId),
    /// They may have blocked the other of a direct conversation: it looks as if they had hung up.
    Blocked(UserId),
    /// The conversation may be over.
    ConversationOver,
}

#[derive(Serialize)]
struct DropFromCall {
    call: CallRef,
    cause: Cause,
}

impl UseCase for DropFromCall {
    type Aggregate = Call;
    const NAME: &'static str = "call.drop";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Call>, CommandError> {
        let (id, before) = facts.meant_call(self.call).await?;
        let unchanged = Decided { id: id.0, state: before.state.clone() };
        let Some(begun) = before.state.begun().copied() else { return Ok(unchanged) };
        let reason = EndReason::Removed;
        let conversation = facts.get::<Conversation>(begun.conversation).await?.state;
        let command = match self.cause {
            Cause::ConnectionLost(user) => CallCommand::Drop { user, reason: EndReason::ConnectionLost },
            _ if !conversation.is_live() => CallCommand::End { reason },
            Cause::Removed(user) if conversation.may_take_part(user).is_err() => CallCommand::Drop { user, reason },
            Cause::Stopped(user) if facts.get::<User>(user).await?.state.may_act().is_err() => {
                CallCommand::Drop { user, reason }
            }
            Cause::Removed(_) | Cause::Stopped(_) | Cause::ConversationOver => return Ok(unchanged),
            Cause::Blocked(by) => match facts.may_write(by, &conversation).await {
                Ok(()) => return Ok(unchanged),
                Err(error) if error.is_verdict() => CallCommand::Close { by },
                Err(error) => return Err(error),
            },
        };
        facts.decide_call_of(id, before, &conversation, command)
    }
}

impl Commands {
    /// Takes somebody out of a call who has been without a socket since then. Its key is the call, the person and the
    /// time: done twice, it has one effect.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn drop_the_lost(
        &self,
        call: CallId,
        user: UserId,
        since: Timestamp,
    ) -> Result<Done<Call>, CommandError> {
        let key = format!("drop_the_lost:{call}:{user}:{}", since.millis());
        let ctx = Context { actor: None, key: Some(key), correlation_id: self.new_id(), causation_id: None };
        self.drop_from_call(&ctx, CallRef::Call(call), Cause::ConnectionLost(user)).await
    }

    /// Takes somebody out of a call, or ends it, if the cause holds. The system does it: in the name of whoever
    /// `ctx` names, or of nobody.
    ///
    /// # Errors
    /// [`CommandError`]; `not_found` when the conversation has no call.
    pub async fn drop_from_call(&self, ctx: &Context, call: CallRef, cause: Cause) -> Result<Done<Call>, CommandError> {
        self.execute(&Caller::reactor(ctx), &DropFromCall { call, cause }).await
    }
}
