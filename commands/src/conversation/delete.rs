//! A lead, or the system, ends a group for everybody.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Caller, Decided, Facts, UseCase},
};
use domain::{
    ConversationId,
    conversation::{Conversation, ConversationCommand},
};
use serde::Serialize;
use std::collections::BTreeSet;

#[derive(Serialize)]
struct DeleteConversation {
    conversation: ConversationId,
}

impl UseCase for DeleteConversation {
    type Aggregate = Conversation;
    const NAME: &'static str = "conversation.delete";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Conversation>, CommandError> {
        let by = facts.actor().await?;
        let before = facts.get::<Conversation>(self.conversation).await?;
        let hidden = match before.state.is_lead(by) {
            true => facts.hidden_waiting(&before.state).await?,
            false => BTreeSet::new(),
        };
        facts.decide_on(self.conversation, before, ConversationCommand::Delete { by: Some(by), hidden })
    }
}

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
        let hidden = facts.hidden_waiting(&conversation.state).await?;
        facts.decide_on(self.conversation, conversation, ConversationCommand::Delete { by: None, hidden })
    }
}

impl Commands {
    /// Ends a group for everybody; leads only.
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

    /// Ends a group without active members, as the system.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn close_if_empty(
        &self,
        ctx: &Context,
        conversation: ConversationId,
    ) -> Result<Done<Conversation>, CommandError> {
        self.execute(&Caller::reactor(ctx), &CloseIfEmpty { conversation }).await
    }
}
