//! A member removes their reaction from a message.

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
struct UnreactToMessage {
    message: MessageId,
    emoji: Emoji,
}

impl UseCase for UnreactToMessage {
    type Aggregate = Message;
    const NAME: &'static str = "message.unreact";
    const LEADS_TO: Option<&'static EventType> = Some(EventType::named("message.unreacted"));

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Message>, CommandError> {
        let user = facts.actor().await?;
        let (message, _) = facts.visible_message(user, self.message).await?;
        facts.decide_on(self.message, message, MessageCommand::Unreact { user, emoji: self.emoji.clone() })
    }
}

impl Commands {
    /// Removes the actor's reaction from a message.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn unreact(
        &self,
        ctx: &Context,
        message: MessageId,
        emoji: Emoji,
    ) -> Result<Done<Message>, CommandError> {
        self.act(ctx, &UnreactToMessage { message, emoji }).await
    }
}
