//! A member answers a call.

use crate::{
    CallRef, CommandError, Commands, Context, Done,
    engine::{Decided, Facts, UseCase},
};
use domain::call::{Call, CallCommand};
use serde::Serialize;

#[derive(Serialize)]
struct AnswerCall {
    call: CallRef,
}

impl UseCase for AnswerCall {
    type Aggregate = Call;
    const NAME: &'static str = "call.answer";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Call>, CommandError> {
        let by = facts.actor().await?;
        let (id, before, conversation) = facts.call_of(by, self.call).await?;
        facts.may_write(by, &conversation).await?;
        facts.decide_call(id, before, CallCommand::Answer { by })
    }
}

impl Commands {
    /// Joins a ringing or ongoing call, for the first time or again.
    ///
    /// # Errors
    /// [`CommandError`]; `call_ended`, `call_full`.
    pub async fn answer_call(&self, ctx: &Context, call: CallRef) -> Result<Done<Call>, CommandError> {
        self.act(ctx, &AnswerCall { call }).await
    }
}
