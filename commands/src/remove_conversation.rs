//! An administrator ends a conversation for everybody.

use crate::{
    CommandError, Commands, Context, Done,
    error::refused,
    execute::UseCase,
    facts::{Decided, Facts},
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
        facts.decide_on(self.conversation, before, ConversationCommand::Remove { by })
    }
}

impl Commands {
    /// Ends a conversation for everybody, of either type. A direct one stays closed: its two people cannot open it again.
    ///
    /// # Errors
    /// [`CommandError`]; `admin_only`, `own_case` for one that they are in.
    pub async fn remove_conversation(
        &self,
        ctx: &Context,
        conversation: ConversationId,
    ) -> Result<Done<Conversation>, CommandError> {
        self.act(ctx, &RemoveConversation { conversation }).await
    }
}
