//! A sender or a lead deletes a message for everybody.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Decided, Facts, UseCase, Versioned},
};
use domain::{
    EventType, MessageId, UserId,
    conversation::Conversation,
    message::{Message, MessageCommand},
};
use serde::Serialize;

#[derive(Serialize)]
struct DeleteMessage {
    message: MessageId,
}

impl UseCase for DeleteMessage {
    type Aggregate = Message;
    const NAME: &'static str = "message.delete";
    const LEADS_TO: Option<&'static EventType> = Some(EventType::named("message.deleted"));

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Message>, CommandError> {
        let by = facts.actor().await?;
        if let Some(message) = facts.left_behind(by, self.message).await? {
            return facts.decide_on(self.message, message, MessageCommand::Delete { by, leads: false });
        }
        let (message, conversation) = facts.visible_message(by, self.message).await?;
        let leads = conversation.is_lead(by);
        facts.decide_on(self.message, message, MessageCommand::Delete { by, leads })
    }
}

impl Facts<'_> {
    /// The message, if `by` sent it and has left its conversation.
    async fn left_behind(
        &mut self,
        by: UserId,
        message: MessageId,
    ) -> Result<Option<Versioned<Message>>, CommandError> {
        let known = self.get::<Message>(message).await?;
        let Some(posted) = known.state.posted().filter(|posted| posted.sender == by) else { return Ok(None) };
        let conversation = self.get::<Conversation>(posted.conversation).await?.state;
        Ok((conversation.is_live() && conversation.may_take_part(by).is_err()).then_some(known))
    }
}

impl Commands {
    /// Deletes a message for everybody; for its sender, even one who left, and leads of its group.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn delete_message(&self, ctx: &Context, message: MessageId) -> Result<Done<Message>, CommandError> {
        self.act(ctx, &DeleteMessage { message }).await
    }
}
