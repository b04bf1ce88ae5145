//! A member posts a message.

use crate::{
    CommandError, Commands, Context, Done,
    error::refused,
    execute::{Caller, UseCase},
    facts::{Decided, Facts},
};
use domain::{
    ConversationId, MessageId, UserId,
    conversation::Conversation,
    message::{Draft, Message, MessageCommand, MessageContent, MessageError, MessageType},
};
use serde::Serialize;

/// A message as its sender wants it.
#[derive(Clone, Debug, Serialize)]
pub struct SendMessage {
    /// Its id, when the sender chose one (the `guid`): the idempotency key of the command, for ever.
    pub id: Option<MessageId>,
    /// Where.
    pub conversation: ConversationId,
    /// What it is.
    pub message_type: MessageType,
    /// Text and attachments.
    pub content: MessageContent,
    /// The message it answers.
    pub reply_to: Option<MessageId>,
    /// Whom it mentions: members of the conversation.
    pub mentions: Vec<UserId>,
}

impl UseCase for SendMessage {
    type Aggregate = Message;
    const NAME: &'static str = "message.send";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Message>, CommandError> {
        let sender = facts.actor().await?;
        let conversation = facts.conversation_of(sender, self.conversation).await?.state;
        facts.may_write(sender, &conversation).await?;
        if let Some(id) = self.reply_to {
            let answered = facts.peek::<Message>(id).await?;
            let is_elsewhere = answered.state.posted().is_none_or(|posted| posted.conversation != self.conversation);
            if is_elsewhere || facts.is_cleared(sender, self.conversation, id).await? {
                return Err(CommandError::field(
                    "replyTo",
                    "not_found",
                    "there is no such message in the conversation",
                ));
            }
        }
        facts.may_attach(sender, &self.content.attachments).await?;
        let id = self.id.map_or_else(|| facts.new_id(), |id| id.0);
        let before = facts.presume_new::<Message>(id).await?;
        let draft = Draft {
            conversation: self.conversation,
            sender,
            message_type: self.message_type,
            content: self.content.clone(),
            reply_to: self.reply_to,
            mentions: self.mentioned(&conversation)?,
        };
        facts.decide_on(id, before, MessageCommand::Send(draft))
    }
}

impl SendMessage {
    /// Each mentioned member once, in the order of the message.
    fn mentioned(&self, conversation: &Conversation) -> Result<Vec<UserId>, CommandError> {
        let mut mentioned = Vec::with_capacity(self.mentions.len());
        for user in &self.mentions {
            conversation
                .may_take_part(*user)
                .map_err(|_| CommandError::field("mentions", "not_member", "only members can be mentioned"))?;
            if !mentioned.contains(user) {
                mentioned.push(*user);
            }
        }
        Ok(mentioned)
    }
}

impl Commands {
    /// Posts a message. A `guid` used before by the same sender for the same message answers the first result.
    ///
    /// # Errors
    /// [`CommandError`]; `Spam`; `guid_taken` when the `guid` names another message, `cannot_message` or
    /// `blocked_by_you` where a block stands in a direct conversation.
    pub async fn send_message(&self, ctx: &Context, request: SendMessage) -> Result<Done<Message>, CommandError> {
        let caller = Caller::actor(ctx)?;
        let Some(guid) = request.id else {
            self.sift(ctx, &caller, &request).await?;
            return self.execute(&caller, &request).await;
        };
        let caller = caller.for_ever(format!("guid:{guid}"));
        self.sift(ctx, &caller, &request).await?;
        match self.execute(&caller, &request).await {
            Err(CommandError::KeyReused) => Err(refused(MessageError::GuidTaken)),
            sent => sent,
        }
    }
}
