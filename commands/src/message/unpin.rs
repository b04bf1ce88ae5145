//! A member of a direct conversation, or a lead of a group, unpins a message.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Decided, Facts, UseCase},
};
use domain::{
    EventType, MessageId,
    message::{Message, MessageCommand},
};
use serde::Serialize;

#[derive(Serialize)]
struct UnpinMessage {
    message: MessageId,
}

impl UseCase for UnpinMessage {
    type Aggregate = Message;
    const NAME: &'static str = "message.unpin";
    const LEADS_TO: Option<&'static EventType> = Some(EventType::named("message.unpinned"));

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Message>, CommandError> {
        let by = facts.actor().await?;
        let message = facts.pinnable_message(by, self.message).await?;
        facts.decide_on(self.message, message, MessageCommand::Unpin { by })
    }
}

impl Commands {
    /// Unpins a message.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn unpin_message(&self, ctx: &Context, message: MessageId) -> Result<Done<Message>, CommandError> {
        self.act(ctx, &UnpinMessage { message }).await
    }
}
