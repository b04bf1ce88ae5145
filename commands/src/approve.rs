//! A lead lets somebody in who asked.

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
struct Approve {
    conversation: ConversationId,
    user: UserId,
}

impl UseCase for Approve {
    type Aggregate = Conversation;
    const NAME: &'static str = "conversation.approve";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Conversation>, CommandError> {
        let by = facts.actor().await?;
        facts.decide(self.conversation, ConversationCommand::Approve { by, user: self.user }).await
    }
}

impl Commands {
    /// Lets somebody in who asked to join; only a lead may.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn approve(
        &self,
        ctx: &Context,
        conversation: ConversationId,
        user: UserId,
    ) -> Result<Done<Conversation>, CommandError> {
        self.act(ctx, &Approve { conversation, user }).await
    }
}
