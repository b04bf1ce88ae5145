//! A member hides a message for themselves.

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
struct HideMessage {
    message: MessageId,
}

impl UseCase for HideMessage {
    type Aggregate = Message;
    const NAME: &'static str = "message.hide";
    const LEADS_TO: Option<&'static EventType> = Some(EventType::named("message.hidden"));

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Message>, CommandError> {
        let user = facts.actor().await?;
        let (message, _) = facts.visible_message(user, self.message).await?;
        facts.decide_on(self.message, message, MessageCommand::Hide { user })
    }
}

impl Commands {
    /// Hides a message for the actor.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn hide_message(&self, ctx: &Context, message: MessageId) -> Result<Done<Message>, CommandError> {
        self.act(ctx, &HideMessage { message }).await
    }
}
