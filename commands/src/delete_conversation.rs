//! A lead, or the system itself, ends a group for everybody.

use crate::{
    CommandError, Commands, Context, Done,
    execute::{Caller, UseCase},
    facts::{Decided, Facts},
};
use domain::{
    ConversationId,
    conversation::{Conversation, ConversationCommand},
};
use serde::Serialize;

#[derive(Serialize)]
struct DeleteConversation {
    conversation: ConversationId,
}

impl UseCase for DeleteConversation {
    type Aggregate = Conversation;
    const NAME: &'static str = "conversation.delete";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Conversation>, CommandError> {
        let by = facts.actor().await?;
        facts.decide(self.conversation, ConversationCommand::Delete { by: Some(by) }).await
    }
}

/// The system's own deletion of a group that nobody is in any more.
#[derive(Serialize)]
struct CloseIfEmpty {
    conversation: ConversationId,
}

impl UseCase for CloseIfEmpty {
    type Aggregate = Conversation;
    const NAME: &'static str = "conversation.close_if_empty";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Conversation>, CommandError> {
        let conversation = facts.get::<Conversation>(self.conversation).await?;
        if conversation.state.active().next().is_some() {
            return Ok(Decided { id: self.conversation.0, state: conversation.state });
        }
        facts.decide_on(self.conversation, conversation, ConversationCommand::Delete { by: None })
    }
}

impl Commands {
    /// Ends a group for everybody; only a lead may.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn delete_conversation(
        &self,
        ctx: &Context,
        conversation: ConversationId,
    ) -> Result<Done<Conversation>, CommandError> {
        self.act(ctx, &DeleteConversation { conversation }).await
    }

    /// Ends a group as the system itself, when it has no active member.
    pub(crate) async fn close_if_empty(
        &self,
        ctx: &Context,
        conversation: ConversationId,
    ) -> Result<Done<Conversation>, CommandError> {
        self.execute(&Caller::reactor(ctx), &CloseIfEmpty { conversation }).await
    }
}
