//! An erased person leaves a group.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Caller, Decided, Facts, UseCase},
};
use domain::{
    ConversationId, UserId,
    conversation::{Conversation, ConversationCommand, ConversationType},
    user::User,
};
use serde::Serialize;
use std::collections::BTreeSet;

#[derive(Serialize)]
struct LeaveErased {
    user: UserId,
    conversation: ConversationId,
}

impl UseCase for LeaveErased {
    type Aggregate = Conversation;
    const NAME: &'static str = "conversation.leave_erased";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Conversation>, CommandError> {
        let Self { user, conversation } = *self;
        let is_erased = facts.get::<User>(user).await?.state.is_erased();
        let before = facts.get::<Conversation>(conversation).await?;
        let is_group = before.state.conversation_type() == ConversationType::Group;
        if is_erased && is_group && before.state.is_live() && before.state.member(user).is_some() {
            let idle = match before.state.is_lead(user) {
                true => facts.idle(&before.state, Some(user)).await?,
                false => BTreeSet::new(),
            };
            return facts.decide_on(conversation, before, ConversationCommand::Leave { user, idle });
        }
        Ok(Decided { id: conversation.0, state: before.state })
    }
}

impl Commands {
    /// Removes an erased person from a group; the last lead hands over. A direct conversation stays. A repetition
    /// changes nothing.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn leave_erased(
        &self,
        ctx: &Context,
        user: UserId,
        conversation: ConversationId,
    ) -> Result<Done<Conversation>, CommandError> {
        self.execute(&Caller::reactor(ctx), &LeaveErased { user, conversation }).await
    }
}
