//! A member adds a reaction to a message.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Decided, Facts, UseCase},
};
use domain::{
    EventType, MessageId,
    message::{Message, MessageCommand},
    text::Emoji,
};
use serde::Serialize;

#[derive(Serialize)]
struct ReactToMessage {
    message: MessageId,
    emoji: Emoji,
}

impl UseCase for ReactToMessage {
    type Aggregate = Message;
    const NAME: &'static str = "message.react";
    const LEADS_TO: Option<&'static EventType> = Some(EventType::named("message.reacted"));

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Message>, CommandError> {
        let user = facts.actor().await?;
        let message = facts.writable_message(user, self.message).await?;
        facts.decide_on(self.message, message, MessageCommand::React { user, emoji: self.emoji.clone() })
    }
}

impl Commands {
    /// Adds a reaction to a message.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn react(&self, ctx: &Context, message: MessageId, emoji: Emoji) -> Result<Done<Message>, CommandError> {
        self.act(ctx, &ReactToMessage { message, emoji }).await
    }
}
