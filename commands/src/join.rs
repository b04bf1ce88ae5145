//! Somebody joins a group, or asks to.

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
struct Join {
    conversation: ConversationId,
}

impl UseCase for Join {
    type Aggregate = Conversation;
    const NAME: &'static str = "conversation.join";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Conversation>, CommandError> {
        let user = facts.actor().await?;
        facts.decide(self.conversation, ConversationCommand::Join { user }).await
    }
}

impl Commands {
    /// Becomes a member of a group, or asks to be where a lead must approve.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn join(&self, ctx: &Context, conversation: ConversationId) -> Result<Done<Conversation>, CommandError> {
        self.act(ctx, &Join { conversation }).await
    }
}
