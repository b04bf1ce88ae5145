//! The system removes a person from a call, or ends it, for a cause outside the call.

use crate::{
    CallRef, CommandError, Commands, Context, Done,
    engine::{Caller, Decided, Facts, UseCase},
};
use domain::{
    CallId, Timestamp, UserId,
    call::{Call, CallCommand, EndReason},
    conversation::Conversation,
    user::User,
};
use serde::Serialize;

/// A possible cause; the decision checks it on current state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Cause {
    ConnectionLost(UserId),
    /// The person may have left the conversation.
    Removed(UserId),
    /// The account may be blocked or deactivated.
    Stopped(UserId),
    /// The person may have blocked the other of a direct conversation. Their call ends as if they had hung up.
    Blocked(UserId),
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
    /// Removes a person from a call who has been without a socket since `since`. The key is made of the call, the
    /// person and the time, so that a repetition has no effect.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn drop_disconnected(
        &self,
        call: CallId,
        user: UserId,
        since: Timestamp,
    ) -> Result<Done<Call>, CommandError> {
        let key = format!("drop_the_lost:{call}:{user}:{}", since.millis());
        let ctx = self.system_context(Some(key));
        self.drop_from_call(&ctx, CallRef::Call(call), Cause::ConnectionLost(user)).await
    }

    /// Removes a person from a call, or ends it, if the cause holds. The system acts, in the name of the context's
    /// actor if there is one.
    ///
    /// # Errors
    /// [`CommandError`]; `not_found` when the conversation has no call.
    pub async fn drop_from_call(&self, ctx: &Context, call: CallRef, cause: Cause) -> Result<Done<Call>, CommandError> {
        self.execute(&Caller::reactor(ctx), &DropFromCall { call, cause }).await
    }
}
