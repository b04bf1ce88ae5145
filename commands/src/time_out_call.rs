//! A call has rung for long enough.

use crate::{
    CallRef, CommandError, Commands, Context, Done,
    execute::{Caller, UseCase},
    facts::{Decided, Facts},
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
    /// Ends a call that still rings. Its key is the call and the deadline: done twice, it has one effect.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn time_out_call(&self, call: CallId, deadline: Timestamp) -> Result<Done<Call>, CommandError> {
        let key = format!("time_out_calls:{call}:{}", deadline.millis());
        let ctx = Context { actor: None, key: Some(key), correlation_id: self.new_id(), causation_id: None };
        self.execute(&Caller::reactor(&ctx), &TimeOutCall { call }).await
    }
}
