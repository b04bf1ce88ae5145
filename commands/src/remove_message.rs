//! A moderator removes a message that was reported, an administrator any.

use crate::{
    CommandError, Commands, Context, Done,
    error::refused,
    execute::UseCase,
    facts::{Decided, Facts},
};
use domain::{
    MessageId, Tier,
    message::{Message, MessageCommand, MessageError},
    user::Role,
};
use event_store::ClaimKind;
use serde::Serialize;

#[derive(Serialize)]
struct RemoveMessage {
    message: MessageId,
}

impl UseCase for RemoveMessage {
    type Aggregate = Message;
    const NAME: &'static str = "message.remove";

    fn tier(&self) -> Tier {
        Tier::Medium
    }

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Message>, CommandError> {
        let (by, role) = facts.staff(Role::Moderator).await?;
        if role == Role::Moderator && !facts.was_reported("message", self.message.0).await? {
            return Err(refused(MessageError::NotFound));
        }
        facts.is_no_party(by, "message", self.message.0).await?;
        facts.decide(self.message, MessageCommand::Remove { by }).await
    }
}

impl Facts<'_> {
    /// Whether anybody ever reported this. It never ceases to be so.
    pub(crate) async fn was_reported(&self, kind: &str, id: uuid::Uuid) -> Result<bool, CommandError> {
        let hash = self.store().claim_hash(ClaimKind::Reported, &format!("{kind}:{id}"));
        Ok(self.store().claimed_by(ClaimKind::Reported, &hash).await?.is_some())
    }
}

impl Commands {
    /// Removes a message for everybody, as somebody who watches over the server.
    ///
    /// # Errors
    /// [`CommandError`]; `moderator_only`, `own_case` for what they reported themselves, and `not_found` to a moderator for what nobody reported.
    pub async fn remove_message(&self, ctx: &Context, message: MessageId) -> Result<Done<Message>, CommandError> {
        self.act(ctx, &RemoveMessage { message }).await
    }
}
