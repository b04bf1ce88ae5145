//! Who may tell a conversation something that is no event: that they type, say.

use crate::{CommandError, Commands, Context, facts::Facts, state::Freshness};
use domain::{ConversationId, UserId};

impl Commands {
    /// Who acts, when they may write into the conversation by what this process knows now. Nothing is appended, so
    /// nothing is rechecked: what somebody else has just forbidden may still pass for a moment.
    ///
    /// # Errors
    /// [`CommandError`], as for a message.
    pub async fn may_signal(&self, ctx: &Context, conversation: ConversationId) -> Result<UserId, CommandError> {
        let mut facts = Facts::new(self, ctx, Freshness::Cached);
        let by = facts.actor().await?;
        let conversation = facts.conversation_of(by, conversation).await?.state;
        facts.may_write(by, &conversation).await?;
        Ok(by)
    }
}
