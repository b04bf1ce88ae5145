//! A moderator removes a reported message, an administrator any message.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Decided, Facts, UseCase, refused},
};
use domain::{
    EventType, MessageId,
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
    const LEADS_TO: Option<&'static EventType> = Some(EventType::named("message.deleted"));

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Message>, CommandError> {
        let (by, role) = facts.staff(Role::Moderator).await?;
        if role == Role::Moderator && !facts.was_reported("message", self.message.0).await? {
            return Err(refused(MessageError::NotFound));
        }
        facts.require_impartiality(by, "message", self.message.0).await?;
        facts.decide(self.message, MessageCommand::Remove { by }).await
    }
}

impl Facts<'_> {
    /// True if the target was ever reported, even if the report was decided.
    pub(crate) async fn was_reported(&self, kind: &str, id: uuid::Uuid) -> Result<bool, CommandError> {
        let hash = self.store().claim_hash(ClaimKind::Reported, &format!("{kind}:{id}"));
        Ok(self.store().claimed_by(ClaimKind::Reported, &hash).await?.is_some())
    }
}

impl Commands {
    /// Removes a message for everybody, as a moderator or administrator.
    ///
    /// # Errors
    /// [`CommandError`]; `moderator_only`, `own_case` for a message that the actor reported, `not_found` for a
    /// moderator and a message that was never reported.
    pub async fn remove_message(&self, ctx: &Context, message: MessageId) -> Result<Done<Message>, CommandError> {
        self.act(ctx, &RemoveMessage { message }).await
    }
}
