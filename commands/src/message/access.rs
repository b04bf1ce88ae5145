//! Authorization on a message, by states that the append guards.

use crate::{
    CommandError,
    engine::{Facts, Versioned, refused},
};
use domain::{
    AggregateType, ConversationId, MessageId, UserId,
    conversation::Conversation,
    id::OwnSettingsId,
    message::{Message, MessageError},
    own_settings::OwnSettings,
    user::Way,
};
use event_store::StreamId;
use std::sync::Arc;

impl Facts<'_> {
    /// The `seq` of a posted message in its conversation.
    pub(crate) async fn seq_of(&self, message: MessageId) -> Result<u64, CommandError> {
        let sent = self.store().load_many(&[(StreamId::new(AggregateType::Message, message), 1)]).await?;
        sent.first().map(|sent| sent.record.scope_seq).ok_or_else(|| refused(MessageError::NotFound))
    }

    /// True if `user` cleared the history of the conversation after the message.
    pub(crate) async fn is_cleared(
        &mut self,
        user: UserId,
        conversation: ConversationId,
        message: MessageId,
    ) -> Result<bool, CommandError> {
        let cleared = self.peek::<OwnSettings>(OwnSettingsId::of(conversation, user)).await?.state.cleared();
        Ok(cleared > 0 && self.seq_of(message).await? <= cleared)
    }

    /// The message and its conversation; refused unless `user` is an active member and has not cleared it.
    pub(crate) async fn visible_message(
        &mut self,
        user: UserId,
        message: MessageId,
    ) -> Result<(Versioned<Message>, Arc<Conversation>), CommandError> {
        let known = self.get::<Message>(message).await?;
        let posted = known.state.posted().ok_or_else(|| refused(MessageError::NotFound))?;
        let conversation = self.get::<Conversation>(posted.conversation).await?.state;
        conversation.may_take_part(user).map_err(|_| refused(MessageError::NotFound))?;
        if self.is_cleared(user, posted.conversation, message).await? {
            return Err(refused(MessageError::NotFound));
        }
        Ok((known, conversation))
    }

    /// The message; refused unless `user` may write in its conversation.
    pub(crate) async fn writable_message(
        &mut self,
        user: UserId,
        message: MessageId,
    ) -> Result<Versioned<Message>, CommandError> {
        let (known, conversation) = self.visible_message(user, message).await?;
        self.may_write(user, &conversation).await?;
        self.may_reach(user, &conversation, Way::Messages).await?;
        Ok(known)
    }
}
