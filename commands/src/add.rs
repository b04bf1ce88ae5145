//! A member makes somebody a member.

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
struct Add {
    conversation: ConversationId,
    user: UserId,
}

impl UseCase for Add {
    type Aggregate = Conversation;
    const NAME: &'static str = "conversation.add";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Conversation>, CommandError> {
        let by = facts.actor().await?;
        // Outsiders are told of no user before they are told that they are outsiders.
        facts.conversation_of(by, self.conversation).await?;
        facts.may_approach(by, &[self.user]).await?;
        facts.decide(self.conversation, ConversationCommand::Add { by, user: self.user }).await
    }
}

impl Commands {
    /// Makes somebody a member of a group: any member may, or a lead alone where joining needs approval.
    ///
    /// # Errors
    /// [`CommandError`]; `not_found` for a person who does not exist or has blocked the actor.
    pub async fn add(
        &self,
        ctx: &Context,
        conversation: ConversationId,
        user: UserId,
    ) -> Result<Done<Conversation>, CommandError> {
        self.act(ctx, &Add { conversation, user }).await
    }
}
