//! Authorization of signals to a conversation, such as typing.

use crate::{
    CommandError, Commands, Context,
    engine::{Facts, Freshness},
};
use domain::{ConversationId, UserId, user::Way};

impl Commands {
    /// The actor; refused unless they may write into the conversation by cached state. Without an append there are no
    /// guards: a signal may pass for a moment after a refusal elsewhere.
    ///
    /// # Errors
    /// [`CommandError`], as for a message.
    pub async fn may_signal(&self, ctx: &Context, conversation: ConversationId) -> Result<UserId, CommandError> {
        let mut facts = Facts::new(self, ctx, Freshness::Cached);
        let by = facts.actor().await?;
        let conversation = facts.conversation_of(by, conversation).await?.state;
        facts.may_write(by, &conversation).await?;
        facts.may_reach(by, &conversation, Way::Messages).await?;
        Ok(by)
    }
}
