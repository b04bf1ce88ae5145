//! A lead makes a member a lead.

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
struct Promote {
    conversation: ConversationId,
    user: UserId,
}

impl UseCase for Promote {
    type Aggregate = Conversation;
    const NAME: &'static str = "conversation.promote";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Conversation>, CommandError> {
        let by = facts.actor().await?;
        facts.decide(self.conversation, ConversationCommand::Promote { by, user: self.user }).await
    }
}

impl Commands {
    /// Makes a member of a group a lead; only a lead may.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn promote(
        &self,
        ctx: &Context,
        conversation: ConversationId,
        user: UserId,
    ) -> Result<Done<Conversation>, CommandError> {
        self.act(ctx, &Promote { conversation, user }).await
    }
}
