//! A member removes a message for themselves alone.

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
struct HideMessage {
    message: MessageId,
}

impl UseCase for HideMessage {
    type Aggregate = Message;
    const NAME: &'static str = "message.hide";

    fn tier(&self) -> Tier {
        Tier::Medium
    }

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Message>, CommandError> {
        let user = facts.actor().await?;
        let (message, _) = facts.visible_message(user, self.message).await?;
        facts.decide_on(self.message, message, MessageCommand::Hide { user })
    }
}

impl Commands {
    /// Removes a message for the actor alone.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn hide_message(&self, ctx: &Context, message: MessageId) -> Result<Done<Message>, CommandError> {
        self.act(ctx, &HideMessage { message }).await
    }
}
