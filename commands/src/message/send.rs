//! A member sends a message.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Caller, Decided, Facts, UseCase, refused},
};
use domain::{
    AggregateType, ConversationId, MessageId, UserId,
    conversation::Conversation,
    message::{Draft, Message, MessageCommand, MessageContent, MessageError, MessageType},
    text::Link,
    user::Way,
};
use event_store::{Receipt, StreamId};
use serde::Serialize;
use std::collections::BTreeSet;

#[derive(Clone, Debug, Serialize)]
pub struct SendMessage {
    /// The `guid`, if the sender chose one: the idempotency key of the command, kept for ever.
    pub id: Option<MessageId>,
    pub conversation: ConversationId,
    pub message_type: MessageType,
    pub content: MessageContent,
    pub reply_to: Option<MessageId>,
    /// Members of the conversation.
    pub mentions: Vec<UserId>,
    /// The links among the attachments to other people's files that the sender sees, and so may attach.
    #[serde(skip)]
    pub seen: BTreeSet<Link>,
}

impl UseCase for SendMessage {
    type Aggregate = Message;
    const NAME: &'static str = "message.send";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Message>, CommandError> {
        let sender = facts.actor().await?;
        let conversation = facts.conversation_of(sender, self.conversation).await?.state;
        facts.may_write(sender, &conversation).await?;
        facts.may_reach(sender, &conversation, Way::Messages).await?;
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
        let attachments = facts.authorize_attachments(sender, &self.seen, &self.content.attachments).await?;
        let id = self.id.map_or_else(|| facts.new_id(), |id| id.0);
        let before = facts.presume_new::<Message>(id).await?;
        let draft = Draft {
            conversation: self.conversation,
            sender,
            message_type: self.message_type,
            content: MessageContent { body: self.content.body.clone(), attachments },
            reply_to: self.reply_to,
            mentions: self.mentioned(&conversation)?,
        };
        facts.decide_on(id, before, MessageCommand::Send(draft))
    }
}

impl SendMessage {
    /// The mentioned members in the order of the message, without repetition.
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
    /// Sends a message. A `guid` used before by the sender for the same message returns the first result, as does a
    /// key. With both, the key names the request and the `guid` the message.
    ///
    /// # Errors
    /// [`CommandError`]; `Spam`; `guid_taken` when the `guid` names another message, `KeyReused` when the key names
    /// another request. In a direct conversation: `cannot_message` or `blocked_by_you` with a block, `not_reachable`
    /// when the other takes messages from friends only.
    pub async fn send_message(&self, ctx: &Context, request: SendMessage) -> Result<Done<Message>, CommandError> {
        let caller = Caller::actor(ctx)?;
        let Some(guid) = request.id else {
            self.check_spam(ctx, &caller, &request).await?;
            return self.execute(&caller, &request).await;
        };
        if ctx.key.is_some() {
            self.check_spam(ctx, &caller, &request).await?;
            let done = self.execute(&caller, &request).await?;
            // Sent before under another key: the message itself is compared.
            return match done.receipt.position {
                Some(_) => Ok(done),
                None => self.as_sent(guid).await,
            };
        }
        let caller = caller.for_ever(format!("guid:{guid}"));
        self.check_spam(ctx, &caller, &request).await?;
        match self.execute(&caller, &request).await {
            Ok(done) if done.receipt.position.is_none() => self.as_sent(guid).await,
            Err(CommandError::KeyReused) => Err(refused(MessageError::GuidTaken)),
            sent => sent,
        }
    }

    /// The result of the command that posted a message.
    async fn as_sent(&self, message: MessageId) -> Result<Done<Message>, CommandError> {
        let stream = StreamId::new(AggregateType::Message, message);
        let sent = self.store().load_many(&[(stream, 1)]).await?;
        let record = sent.first().map(|sent| &sent.record).ok_or_else(|| refused(MessageError::NotFound))?;
        let receipt = Receipt {
            position: Some(record.position),
            version: record.sequence,
            seq: record.scope_seq,
            stream: Some(stream),
            scope: Some(record.scope),
            recorded_at: record.recorded_at.millis(),
            repeated: true,
        };
        self.first_done(receipt, message.0).await
    }
}
