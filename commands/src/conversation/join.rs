//! A person joins a group, or requests to.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Decided, Facts, UseCase, refused},
};
use domain::{
    ConversationId, UserId,
    conversation::{Conversation, ConversationCommand, ConversationError},
};
use serde::Serialize;

#[derive(Serialize)]
struct JoinConversation {
    conversation: ConversationId,
}

impl UseCase for JoinConversation {
    type Aggregate = Conversation;
    const NAME: &'static str = "conversation.join";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Conversation>, CommandError> {
        let user = facts.actor().await?;
        let known = facts.get::<Conversation>(self.conversation).await?;
        // For a missing group as many pairs are read, so that the time does not tell.
        let mut leads: Vec<_> = known.state.leads().collect();
        if leads.is_empty() {
            leads.push(UserId(self.conversation.0));
        }
        if facts.has_block_with(user, &leads).await? && known.state.may_take_part(user).is_err() {
            return Err(refused(ConversationError::NotFound));
        }
        facts.decide_on(self.conversation, known, ConversationCommand::Join { user, now: facts.now() })
    }
}

impl Commands {
    /// Joins an open group or one with an invitation for the actor; requests to join where a lead must approve.
    ///
    /// # Errors
    /// [`CommandError`]; `not_found` for an invite-only group, for a person removed by a lead, and with a block between
    /// the actor and a lead; `TooOften`.
    pub async fn join(&self, ctx: &Context, conversation: ConversationId) -> Result<Done<Conversation>, CommandError> {
        self.act(ctx, &JoinConversation { conversation }).await
    }
}
