//! Whether anybody is there to hear a call ring.

use crate::{App, Problem};
use domain::{ConversationId, UserId};

impl App {
    /// Whether anybody else of a conversation has a socket: here, as the hub knows to the moment, or in another process,
    /// by its leases, which outlast a socket by the grace of presence. When that cannot be told, somebody may be.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub(crate) async fn is_somebody_there(&self, conversation: ConversationId, by: UserId) -> Result<bool, Problem> {
        let conversation = self.commands.conversation(conversation).await?.state;
        let others: Vec<_> = conversation.active().filter(|user| *user != by).collect();
        if !self.config.knows_who_is_here() || self.hub.is_any_here(&others) {
            return Ok(true);
        }
        let own = self.broker.node();
        match self.graph.graph().here(&others, (self.clock)()).await {
            Ok(here) => Ok(here.into_values().flatten().any(|(_, node)| node != own)),
            Err(error) => {
                tracing::debug!(error.cause = %error, "a call rings although the graph is away");
                Ok(true)
            }
        }
    }
}
