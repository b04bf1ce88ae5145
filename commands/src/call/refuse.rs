//! A member refuses a call.

use crate::{
    CallRef, CommandError, Commands, Context, Done,
    engine::{Decided, Facts, UseCase},
};
use domain::call::{Call, CallCommand};
use serde::Serialize;

#[derive(Serialize)]
struct RefuseCall {
    call: CallRef,
}

impl UseCase for RefuseCall {
    type Aggregate = Call;
    const NAME: &'static str = "call.refuse";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Call>, CommandError> {
        let by = facts.actor().await?;
        let (id, before, conversation) = facts.call_of(by, self.call).await?;
        facts.decide_call_of(id, before, &conversation, CallCommand::Refuse { by })
    }
}

impl Commands {
    /// Stops a call's ringing for the actor. When it rings nobody any more, it ends.
    ///
    /// # Errors
    /// [`CommandError`]; `call_ended`, `in_call`, `not_in_call`.
    pub async fn refuse_call(&self, ctx: &Context, call: CallRef) -> Result<Done<Call>, CommandError> {
        self.act(ctx, &RefuseCall { call }).await
    }
}
