//! A member of a direct conversation, or a lead of a group, pins a message.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Decided, Facts, UseCase, Versioned, refused},
};
use domain::{
    EventType, MessageId, UserId,
    conversation::ConversationError,
    message::{Message, MessageCommand},
};
use serde::Serialize;

#[derive(Serialize)]
struct PinMessage {
    message: MessageId,
    #[serde(skip)]
    pinned: u64,
}

impl UseCase for PinMessage {
    type Aggregate = Message;
    const NAME: &'static str = "message.pin";
    const LEADS_TO: Option<&'static EventType> = Some(EventType::named("message.pinned"));

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Message>, CommandError> {
        let by = facts.actor().await?;
        facts.writable_message(by, self.message).await?;
        let message = facts.pinnable_message(by, self.message).await?;
        facts.decide_on(self.message, message, MessageCommand::Pin { by, pinned: self.pinned })
    }
}

impl Facts<'_> {
    /// The message; refused unless `by` may pin in its conversation: a member of a direct one, a lead of a group.
    pub(super) async fn pinnable_message(
        &mut self,
        by: UserId,
        id: MessageId,
    ) -> Result<Versioned<Message>, CommandError> {
        let (message, conversation) = self.visible_message(by, id).await?;
        let may_pin = conversation.other(by).is_some() || conversation.is_lead(by);
        if may_pin { Ok(message) } else { Err(refused(ConversationError::LeadOnly)) }
    }
}

impl Commands {
    /// Pins a message in its conversation, of which `pinned` other messages are known to be pinned. Those of requests
    /// at the same time are not, so that so many more than the limit may be.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn pin_message(
        &self,
        ctx: &Context,
        message: MessageId,
        pinned: u64,
    ) -> Result<Done<Message>, CommandError> {
        self.act(ctx, &PinMessage { message, pinned }).await
    }
}
