//! Whether anybody is there to hear a call ring.

use crate::{App, Problem};
use domain::{ConversationId, UserId};
use std::collections::BTreeSet;

impl App {
    /// Whether anybody else of a conversation seems to be there: has a socket here, as the hub knows to the moment, or in
    /// another process, by its leases, which outlast a socket by the grace of presence; and does not want to seem not to
    /// be. The same is asked whoever is there: it takes no longer for one who hides than for one who has gone. When it
    /// cannot be told, somebody may be.
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
                tracing::debug!(error.cause = %error, "a call rings although the graph is away");
                return Ok(true);
            }
        }
        Ok(there.iter().any(|user| !hidden.contains(user)))
    }
}
