//! A lead makes a lead a plain member.

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
struct Demote {
    conversation: ConversationId,
    user: UserId,
}

impl UseCase for Demote {
    type Aggregate = Conversation;
    const NAME: &'static str = "conversation.demote";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Conversation>, CommandError> {
        let by = facts.actor().await?;
        facts.decide(self.conversation, ConversationCommand::Demote { by, user: self.user }).await
    }
}

impl Commands {
    /// Makes a lead of a group a plain member; only a lead may, and one lead must stay.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn demote(
        &self,
        ctx: &Context,
        conversation: ConversationId,
        user: UserId,
    ) -> Result<Done<Conversation>, CommandError> {
        self.act(ctx, &Demote { conversation, user }).await
    }
}
