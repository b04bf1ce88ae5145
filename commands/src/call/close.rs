//! A member leaves a call.

use crate::{
    CallRef, CommandError, Commands, Context, Done,
    engine::{Decided, Facts, UseCase},
};
use domain::call::{Call, CallCommand};
use serde::Serialize;

#[derive(Serialize)]
struct CloseCall {
    call: CallRef,
}

impl UseCase for CloseCall {
    type Aggregate = Call;
    const NAME: &'static str = "call.close";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Call>, CommandError> {
        let by = facts.actor().await?;
        let (id, before, conversation) = facts.call_of(by, self.call).await?;
        facts.decide_call_of(id, before, &conversation, CallCommand::Close { by })
    }
}

impl Commands {
    /// Leaves a call, cancels it or refuses it while it rings; with fewer than two participants it ends. Closing an
    /// ended call changes nothing.
    ///
    /// # Errors
    /// [`CommandError`]; `not_in_call`.
    pub async fn close_call(&self, ctx: &Context, call: CallRef) -> Result<Done<Call>, CommandError> {
        self.act(ctx, &CloseCall { call }).await
    }
}
