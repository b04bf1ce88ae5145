//! A sender or a lead removes a message for everybody.

use crate::{
    CommandError, Commands, Context, Done,
    execute::UseCase,
    facts::{Decided, Facts},
};
use domain::{
    MessageId, Tier,
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

    fn tier(&self) -> Tier {
        Tier::Medium
    }

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Message>, CommandError> {
        let by = facts.actor().await?;
        let (message, conversation) = facts.visible_message(by, self.message).await?;
        let leads = conversation.is_lead(by);
        facts.decide_on(self.message, message, MessageCommand::Delete { by, leads })
    }
}

impl Commands {
    /// Removes a message for everybody; its sender may, and a lead of its group.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn delete_message(&self, ctx: &Context, message: MessageId) -> Result<Done<Message>, CommandError> {
        self.act(ctx, &DeleteMessage { message }).await
    }
}
