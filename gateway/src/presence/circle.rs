//! The people somebody has to do with: from the graph, and from the read models while the graph is away.

use crate::Problem;
use domain::{Timestamp, UserId};
use graph::{Cached, GraphError};
use projections::Queries;
use std::collections::BTreeSet;

/// Answers who may see whom. Permission to act never rests on it (I9).
#[derive(Clone, Debug)]
pub struct Circle {
    graph: Cached,
    queries: Queries,
}

impl Circle {
    /// Over both sources.
    #[must_use]
    pub const fn new(graph: Cached, queries: Queries) -> Self {
        Self { graph, queries }
    }

    /// Those of the circle of `user` who have a socket somewhere: friends and fellow members, but nobody between
    /// whom and them a block stands. Nobody while the leases cannot be read.
    ///
    /// # Errors
    /// When graph and read models are both away.
    pub async fn online(&self, user: UserId, now: Timestamp) -> Result<BTreeSet<UserId>, Problem> {
        match self.by_graph(user, now).await {
            Ok(online) => Ok(online),
            Err(error) => {
                tracing::debug!(error.cause = %error, "the read models answer for the graph");
                let circle: Vec<_> = self.queries.circle(user).await?.into_iter().collect();
                Ok(self.graph.graph().online(&circle, now).await.unwrap_or_default())
            }
        }
    }

    async fn by_graph(&self, user: UserId, now: Timestamp) -> Result<BTreeSet<UserId>, GraphError> {
        let mut circle: BTreeSet<_> = self.graph.friends(user).await?.iter().collect();
        for conversation in self.graph.conversations(user).await?.iter() {
            circle.extend(self.graph.members(conversation).await?.iter());
        }
        circle.remove(&user);
        for blocked in self.graph.blocked_by(user).await?.iter() {
            circle.remove(&blocked);
        }
        let circle: Vec<_> = circle.into_iter().collect();
        let mut online = self.graph.graph().online(&circle, now).await?;
        for other in online.clone() {
            if self.graph.blocked_by(other).await?.contains(user) {
                online.remove(&other);
            }
        }
        Ok(online)
    }
}
