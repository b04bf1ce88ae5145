//! Whether a call can ring for anybody.

use crate::App;
use domain::{ConversationId, UserId};
use protocol::Problem;
use std::collections::BTreeSet;

impl App {
    /// Whether anybody else of a conversation seems to be online: has a socket here, or, by their session leases, in
    /// another process, and does not hide. Leases outlast a socket by the grace of presence. The check takes as long
    /// for somebody who hides as for somebody who has gone. When it cannot be decided, somebody may be online.
    ///
    /// # Errors
    /// When the log or the read models cannot be read.
    pub(crate) async fn is_somebody_there(&self, conversation: ConversationId, by: UserId) -> Result<bool, Problem> {
        let conversation = self.commands.conversation(conversation).await?.state;
        let others: Vec<_> = conversation.active().filter(|user| *user != by).collect();
        if !self.config.knows_who_is_here() || others.is_empty() {
            return Ok(true);
        }
        let own = self.broker.node();
        let (elsewhere, hidden) = tokio::join!(self.graph.graph().here(&others), self.presences.hidden_of(&others));
        let (hidden, mut there): (_, BTreeSet<_>) = (hidden?, self.hub.here_of(&others).into_iter().collect());
        match elsewhere {
            Ok(elsewhere) => {
                let elsewhere = elsewhere.into_iter().filter(|(_, held)| held.iter().any(|(_, node)| *node != own));
                there.extend(elsewhere.map(|(user, _)| user));
            }
            Err(error) => {
                tracing::debug!(error.cause = %error, "a call rings although the graph is unavailable");
                return Ok(true);
            }
        }
        Ok(there.iter().any(|user| !hidden.contains(user)))
    }
}
