//! Somebody joins a group, or asks to.

use crate::{
    CommandError, Commands, Context, Done,
    error::refused,
    execute::UseCase,
    facts::{Decided, Facts},
};
use domain::{
    ConversationId, UserId,
    conversation::{Conversation, ConversationCommand, ConversationError},
};
use serde::Serialize;

#[derive(Serialize)]
struct Join {
    conversation: ConversationId,
}

impl UseCase for Join {
    type Aggregate = Conversation;
    const NAME: &'static str = "conversation.join";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Conversation>, CommandError> {
        let user = facts.actor().await?;
        let known = facts.get::<Conversation>(self.conversation).await?;
        // To whom a lead has blocked, or who has blocked a lead, there is no such group; and of one that is not there
        // as much is asked, so that the time does not tell.
        let mut leads: Vec<_> = known.state.leads().collect();
        if leads.is_empty() {
            leads.push(UserId(self.conversation.0));
        }
        let is_apart = facts.pairs_of(user, &leads).await?.iter().any(|(_, pair)| pair.is_blocked());
        if is_apart && known.state.member(user).is_none() {
            return Err(refused(ConversationError::NotFound));
        }
        facts.decide_on(self.conversation, known, ConversationCommand::Join { user, now: facts.now() })
    }
}

impl Commands {
    /// Becomes a member of a group that is open, or asks to be of one where a lead must approve.
    ///
    /// # Errors
    /// [`CommandError`]; `not_found` for a group by invite, to whom a lead removed, and where a block stands between the
    /// actor and a lead; `TooOften`.
    pub async fn join(&self, ctx: &Context, conversation: ConversationId) -> Result<Done<Conversation>, CommandError> {
        self.act(ctx, &Join { conversation }).await
    }
}
