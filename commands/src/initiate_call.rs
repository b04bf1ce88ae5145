//! A member calls the others of a conversation.

use crate::{
    CommandError, Commands, Context, Done,
    error::refused,
    execute::UseCase,
    facts::{Decided, Facts},
};
use domain::{
    CallId, ConversationId,
    call::{Call, CallCommand, CallError, CallType},
};
use serde::Serialize;

/// A call as its caller wants it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct InitiateCall {
    /// The id it is to have.
    #[serde(skip)]
    pub id: CallId,
    /// Where.
    pub conversation: ConversationId,
    /// With picture or without.
    pub call_type: CallType,
    /// Whether anybody else of the conversation is there to hear it ring. A call that rings already is joined anyway.
    #[serde(skip)]
    pub somebody_is_there: bool,
}

/// A call that was begun, or joined because it was there.
#[derive(Clone, Debug)]
pub struct Initiated {
    /// The call.
    pub done: Done<Call>,
    /// Whether the conversation had this call before.
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
    /// Rings the others of a conversation. A call that it has already is joined instead: whoever calls at the same
    /// time meets.
    ///
    /// # Errors
    /// [`CommandError`]; as for a message, `user_not_online` when nobody is there, `call_full`.
    pub async fn initiate_call(&self, ctx: &Context, request: InitiateCall) -> Result<Initiated, CommandError> {
        let done = self.act(ctx, &request).await?;
        let existed = done.receipt.version != 1;
        Ok(Initiated { done, existed })
    }
}
