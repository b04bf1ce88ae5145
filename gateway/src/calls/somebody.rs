//! Whether anybody is there to hear a call ring.

use crate::{App, Problem};
use domain::{ConversationId, UserId};

impl App {
    /// Whether anybody else of a conversation has a socket: here, for leases come a moment late, or anywhere by the
    /// graph. When that cannot be told, somebody may be.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub(crate) async fn is_somebody_there(&self, conversation: ConversationId, by: UserId) -> Result<bool, Problem> {
        let conversation = self.commands.conversation(conversation).await?.state;
        let others: Vec<_> = conversation.active().filter(|user| *user != by).collect();
        if !self.config.knows_who_is_here() || self.hub.is_any_here(&others) {
            return Ok(true);
        }
        match self.graph.graph().online(&others, (self.clock)()).await {
            Ok(online) => Ok(!online.is_empty()),
            Err(error) => {
                tracing::debug!(error.cause = %error, "a call rings although the graph is away");
                Ok(true)
            }
        }
    }
}
