//! An administrator ends a conversation for everybody.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Decided, Facts, UseCase, refused},
};
use domain::{
    ConversationId,
    conversation::{Conversation, ConversationCommand},
    report::ReportError,
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
        let before = facts.get::<Conversation>(self.conversation).await?;
        if before.state.member(by).is_some() {
            return Err(refused(ReportError::OwnCase));
        }
        let hidden = facts.hidden_waiting(&before.state).await?;
        facts.decide_on(self.conversation, before, ConversationCommand::Remove { by, hidden })
    }
}

impl Commands {
    /// Ends a conversation of either type for everybody. Its members cannot reopen a direct one.
    ///
    /// # Errors
    /// [`CommandError`]; `admin_only`, `own_case` for a conversation of the actor.
    pub async fn remove_conversation(
        &self,
        ctx: &Context,
        conversation: ConversationId,
    ) -> Result<Done<Conversation>, CommandError> {
        self.act(ctx, &RemoveConversation { conversation }).await
    }
}
