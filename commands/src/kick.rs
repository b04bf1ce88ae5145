//! A lead removes a member.

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
struct Kick {
    conversation: ConversationId,
    user: UserId,
}

impl UseCase for Kick {
    type Aggregate = Conversation;
    const NAME: &'static str = "conversation.kick";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Conversation>, CommandError> {
        let by = facts.actor().await?;
        facts.decide(self.conversation, ConversationCommand::Kick { by, user: self.user }).await
    }
}

impl Commands {
    /// Removes a member of a group; only a lead may.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn kick(
        &self,
        ctx: &Context,
        conversation: ConversationId,
        user: UserId,
    ) -> Result<Done<Conversation>, CommandError> {
        self.act(ctx, &Kick { conversation, user }).await
    }
}
