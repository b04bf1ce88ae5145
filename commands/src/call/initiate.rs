//! A member calls the others in a conversation.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Decided, Facts, UseCase, refused},
};
use domain::{
    CallId, ConversationId,
    call::{Call, CallCommand, CallError, CallType},
    user::Way,
};
use serde::Serialize;

#[derive(Clone, Copy, Debug, Serialize)]
pub struct InitiateCall {
    /// The id of the new call.
    #[serde(skip)]
    pub id: CallId,
    pub conversation: ConversationId,
    pub call_type: CallType,
    /// True if another member is online. An active call is joined anyway.
    #[serde(skip)]
    pub somebody_is_there: bool,
}

/// A call that began, or was joined because it existed.
#[derive(Clone, Debug)]
pub struct Initiated {
    pub done: Done<Call>,
    pub existed: bool,
}

impl UseCase for InitiateCall {
    type Aggregate = Call;
    const NAME: &'static str = "call.initiate";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Call>, CommandError> {
        let caller = facts.actor().await?;
        let conversation = facts.conversation_of(caller, self.conversation).await?.state;
        facts.may_write(caller, &conversation).await?;
        if let Some(id) = facts.active_call(self.conversation).await? {
            let before = facts.get::<Call>(id).await?;
            if before.state.is_active() {
                return facts.decide_call(id, before, CallCommand::Answer { by: caller });
            }
        }
        facts.may_reach(caller, &conversation, Way::Calls).await?;
        let invited: Vec<_> = conversation.active().filter(|user| *user != caller).collect();
        if !invited.is_empty() && !self.somebody_is_there {
            return Err(refused(CallError::NobodyOnline));
        }
        let before = facts.presume_new::<Call>(self.id).await?;
        let Self { id, conversation, call_type, .. } = *self;
        facts.decide_call(id, before, CallCommand::Ring { conversation, caller, call_type, invited })
    }
}

impl Commands {
    /// Rings the other members. An active call is joined instead, so that simultaneous callers meet.
    ///
    /// # Errors
    /// [`CommandError`]; as for a message, `not_reachable`, `user_not_online` when no other member is online,
    /// `call_full`.
    pub async fn initiate_call(&self, ctx: &Context, request: InitiateCall) -> Result<Initiated, CommandError> {
        let done = self.act(ctx, &request).await?;
        let existed = done.receipt.version != 1;
        Ok(Initiated { done, existed })
    }
}
