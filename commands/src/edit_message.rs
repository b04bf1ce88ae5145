//! A sender replaces the text of a message.

use crate::{
    CommandError, Commands, Context, Done,
    execute::UseCase,
    facts::{Decided, Facts},
};
use domain::{
    MessageId, Tier,
    message::{Message, MessageCommand},
    text::MessageBody,
};
use serde::Serialize;

#[derive(Serialize)]
struct EditMessage {
    message: MessageId,
    body: MessageBody,
}

impl UseCase for EditMessage {
    type Aggregate = Message;
    const NAME: &'static str = "message.edit";

    fn tier(&self) -> Tier {
        Tier::Medium
    }

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Message>, CommandError> {
        let by = facts.actor().await?;
        let message = facts.writable_message(by, self.message).await?;
        facts.decide_on(self.message, message, MessageCommand::Edit { by, body: self.body.clone() })
    }
}

impl Commands {
    /// Replaces the text of a message; only its sender may.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn edit_message(
        &self,
        ctx: &Context,
        message: MessageId,
        body: MessageBody,
    ) -> Result<Done<Message>, CommandError> {
        self.act(ctx, &EditMessage { message, body }).await
    }
}
