//! A lead turns somebody down who asked.

use crate::{
    CommandError, Commands, Context, Done,
    execute::UseCase,
    facts::{Decided, Facts},
};
use domain::{
    ConversationId, UserId,
    conversation::{Conversation, ConversationCommand},
};
use serde::Serialize;

#[derive(Serialize)]
struct Reject {
    conversation: ConversationId,
    user: UserId,
}

impl UseCase for Reject {
    type Aggregate = Conversation;
    const NAME: &'static str = "conversation.reject";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Conversation>, CommandError> {
        let by = facts.actor().await?;
        facts.decide(self.conversation, ConversationCommand::Reject { by, user: self.user }).await
    }
}

impl Commands {
    /// Turns somebody down who asked to join; only a lead may.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn reject(
        &self,
        ctx: &Context,
        conversation: ConversationId,
        user: UserId,
    ) -> Result<Done<Conversation>, CommandError> {
        self.act(ctx, &Reject { conversation, user }).await
    }
}
