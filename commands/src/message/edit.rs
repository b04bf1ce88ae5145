//! A sender replaces the text of a message.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Decided, Facts, UseCase},
};
use domain::{
    EventType, MessageId,
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
    const LEADS_TO: Option<&'static EventType> = Some(EventType::named("message.edited"));

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Message>, CommandError> {
        let by = facts.actor().await?;
        let message = facts.writable_message(by, self.message).await?;
        facts.decide_on(self.message, message, MessageCommand::Edit { by, body: self.body.clone() })
    }
}

impl Commands {
    /// Replaces the text of a message; its sender only.
    ///
    /// # Errors
    /// [`CommandError`]; `Spam`.
    pub async fn edit_message(
        &self,
        ctx: &Context,
        message: MessageId,
        body: MessageBody,
    ) -> Result<Done<Message>, CommandError> {
        let request = EditMessage { message, body };
        self.check_edit(ctx, &request, message, request.body.as_str()).await?;
        self.act(ctx, &request).await
    }
}
