//! Ends a call that has rung for too long.

use crate::{
    CallRef, CommandError, Commands, Done,
    engine::{Caller, Decided, Facts, UseCase},
};
use domain::{
    CallId, Timestamp,
    call::{Call, CallCommand},
    conversation::Conversation,
};
use serde::Serialize;

#[derive(Serialize)]
struct TimeOutCall {
    call: CallId,
}

impl UseCase for TimeOutCall {
    type Aggregate = Call;
    const NAME: &'static str = "call.time_out";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Call>, CommandError> {
        let (id, before) = facts.meant_call(CallRef::Call(self.call)).await?;
        let Some(begun) = before.state.begun().copied() else { return Ok(Decided { id: id.0, state: before.state }) };
        let conversation = facts.get::<Conversation>(begun.conversation).await?.state;
        facts.decide_call_of(id, before, &conversation, CallCommand::TimeOut)
    }
}

impl Commands {
    /// Ends a call that still rings. The key is made of the call and the deadline, so that a repetition has no effect.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn time_out_call(&self, call: CallId, deadline: Timestamp) -> Result<Done<Call>, CommandError> {
        let key = format!("time_out_calls:{call}:{}", deadline.millis());
        let ctx = self.system_context(Some(key));
        self.execute(&Caller::reactor(&ctx), &TimeOutCall { call }).await
    }
}
