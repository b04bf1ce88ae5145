//! A member leaves a group.

use crate::{
    CommandError, Commands, Context, Done,
    execute::UseCase,
    facts::{Decided, Facts},
};
use domain::{
    ConversationId,
    conversation::{Conversation, ConversationCommand},
};
use serde::Serialize;

#[derive(Serialize)]
struct Leave {
    conversation: ConversationId,
}

impl UseCase for Leave {
    type Aggregate = Conversation;
    const NAME: &'static str = "conversation.leave";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Conversation>, CommandError> {
        let user = facts.actor().await?;
        facts.decide(self.conversation, ConversationCommand::Leave { user }).await
    }
}

impl Commands {
    /// Stops being a member of a group, or takes back having asked. The last lead hands over to who came first.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn leave(&self, ctx: &Context, conversation: ConversationId) -> Result<Done<Conversation>, CommandError> {
        self.act(ctx, &Leave { conversation }).await
    }
}
