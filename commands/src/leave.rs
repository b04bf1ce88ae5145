//! A member leaves a group.

use crate::{
    CommandError, Commands, Context, Done,
    execute::UseCase,
    facts::{Decided, Facts},
};
use domain::{
    ConversationId,
    conversation::{Conversation, ConversationCommand},
};
use serde::Serialize;
use std::collections::BTreeSet;

#[derive(Serialize)]
struct Leave {
    conversation: ConversationId,
}

impl UseCase for Leave {
    type Aggregate = Conversation;
    const NAME: &'static str = "conversation.leave";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Conversation>, CommandError> {
        let user = facts.actor().await?;
        let before = facts.get::<Conversation>(self.conversation).await?;
        let idle = match before.state.is_lead(user) {
            true => facts.idle(&before.state, Some(user)).await?,
            false => BTreeSet::new(),
        };
        facts.decide_on(self.conversation, before, ConversationCommand::Leave { user, idle })
    }
}

impl Commands {
    /// Stops being a member of a group, or takes back having asked. The last lead who can act
    /// hands over to the member who has been in it for longest and can.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn leave(&self, ctx: &Context, conversation: ConversationId) -> Result<Done<Conversation>, CommandError> {
        self.act(ctx, &Leave { conversation }).await
    }
}
