//! A member leaves a group.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Decided, Facts, UseCase, refused},
};
use domain::{
    ConversationId,
    conversation::{Conversation, ConversationCommand, ConversationError},
};
use serde::Serialize;
use std::collections::BTreeSet;

#[derive(Serialize)]
struct LeaveConversation {
    conversation: ConversationId,
}

impl UseCase for LeaveConversation {
    type Aggregate = Conversation;
    const NAME: &'static str = "conversation.leave";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Conversation>, CommandError> {
        let user = facts.actor().await?;
        let before = facts.get::<Conversation>(self.conversation).await?;
        if facts.is_hidden_from_waiting(&before.state, user).await? {
            return Err(refused(ConversationError::NotFound));
        }
        let idle = match before.state.is_lead(user) {
            true => facts.idle(&before.state, Some(user)).await?,
            false => BTreeSet::new(),
        };
        facts.decide_on(self.conversation, before, ConversationCommand::Leave { user, idle })
    }
}

impl Commands {
    /// Leaves a group, withdraws a request to join, or declines an invitation. The last lead who can act hands over to
    /// the longest-standing member who can.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn leave(&self, ctx: &Context, conversation: ConversationId) -> Result<Done<Conversation>, CommandError> {
        self.act(ctx, &LeaveConversation { conversation }).await
    }
}
