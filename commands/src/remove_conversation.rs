//! An administrator ends a conversation for everybody.

use crate::{
    CommandError, Commands, Context, Done,
    execute::UseCase,
    facts::{Decided, Facts},
};
use domain::{
    ConversationId,
    conversation::{Conversation, ConversationCommand},
    user::Role,
};
use serde::Serialize;

#[derive(Serialize)]
struct RemoveConversation {
    conversation: ConversationId,
}

impl UseCase for RemoveConversation {
    type Aggregate = Conversation;
    const NAME: &'static str = "conversation.remove";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Conversation>, CommandError> {
        let (by, _) = facts.staff(Role::Admin).await?;
        facts.decide(self.conversation, ConversationCommand::Remove { by }).await
    }
}

impl Commands {
    /// Ends a conversation for everybody, of either type. A direct one stays closed: its two people cannot open it again.
    ///
    /// # Errors
    /// [`CommandError`]; `admin_only`.
    pub async fn remove_conversation(
        &self,
        ctx: &Context,
        conversation: ConversationId,
    ) -> Result<Done<Conversation>, CommandError> {
        self.act(ctx, &RemoveConversation { conversation }).await
    }
}
