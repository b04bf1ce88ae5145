//! A lead changes a group's settings.

use crate::{
    CommandError, Commands, Context, Done,
    execute::UseCase,
    facts::{Decided, Facts},
};
use domain::{
    ConversationId, Tier,
    conversation::{Conversation, ConversationCommand, SettingsChange},
};
use serde::Serialize;

#[derive(Serialize)]
struct UpdateConversation {
    conversation: ConversationId,
    change: SettingsChange,
}

impl UseCase for UpdateConversation {
    type Aggregate = Conversation;
    const NAME: &'static str = "conversation.update";

    fn tier(&self) -> Tier {
        Tier::Medium
    }

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Conversation>, CommandError> {
        let by = facts.actor().await?;
        facts.decide(self.conversation, ConversationCommand::Update { by, change: self.change.clone() }).await
    }
}

impl Commands {
    /// Changes title, picture or approval of a group; only a lead may.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn update_conversation(
        &self,
        ctx: &Context,
        conversation: ConversationId,
        change: SettingsChange,
    ) -> Result<Done<Conversation>, CommandError> {
        self.act(ctx, &UpdateConversation { conversation, change }).await
    }
}
