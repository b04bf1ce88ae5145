//! The people somebody has to do with: from the graph, and from the read models while the graph is away.

use super::here::Here;
use crate::Problem;
use domain::UserId;
use futures_util::future::try_join_all;
use graph::{Cached, GraphError};
use projections::Queries;
use std::collections::BTreeSet;

/// The members of the largest conversation that makes each see, unasked, how the others are here. In a larger one
/// everybody's coming would be told to everybody: there one sees whom one subscribes to.
pub const CLOSE: usize = 32;

/// Answers who may see whom. Permission to act never rests on it (I9).
#[derive(Clone, Debug)]
pub struct Circle {
    graph: Cached,
    queries: Queries,
    here: Here,
}

impl Circle {
    /// Over both sources.
    #[must_use]
    pub const fn new(graph: Cached, queries: Queries, here: Here) -> Self {
        Self { graph, queries, here }
    }

    /// Those of the circle of `user` who have a socket somewhere: friends and fellow members, but nobody between
    /// whom and them a block stands. While the shared leases cannot be read, those with a socket here.
    ///
    /// # Errors
    /// When graph and read models are both away.
    pub async fn online(&self, user: UserId) -> Result<BTreeSet<UserId>, Problem> {
        self.within(user, usize::MAX).await
    }

    /// Those who are told unasked how `user` is here: friends, and fellow members of conversations of at most
    /// [`CLOSE`] members, if they have a socket somewhere and no block stands between.
    ///
    /// # Errors
    /// When graph and read models are both away.
    pub async fn onlookers(&self, user: UserId) -> Result<BTreeSet<UserId>, Problem> {
        self.within(user, CLOSE).await
    }

    /// Those of `wanted` whose presence `viewer` may see: themself, friends and fellow members, but nobody between
    /// whom and them a block stands.
    ///
    /// # Errors
    /// When graph and read models are both away.
    pub async fn sees(&self, viewer: UserId, wanted: &[UserId]) -> Result<BTreeSet<UserId>, Problem> {
        let mut seen = match self.sees_by_graph(viewer, wanted).await {
            Ok(seen) => seen,
            Err(error) => {
                tracing::debug!(error.cause = %error, "the read models answer for the graph");
                let circle = self.queries.circle(viewer, u64::MAX).await?;
                wanted.iter().copied().filter(|user| circle.contains(user)).collect()
            }
        };
        seen.extend(wanted.iter().find(|user| **user == viewer));
        Ok(seen)
    }

    async fn within(&self, user: UserId, largest: usize) -> Result<BTreeSet<UserId>, Problem> {
        match self.within_by_graph(user, largest).await {
            Ok(online) => Ok(online),
            Err(error) => {
                tracing::debug!(error.cause = %error, "the read models answer for the graph");
                let circle = self.queries.circle(user, u64::try_from(largest).unwrap_or(u64::MAX)).await?;
                Ok(self.online_of(circle).await)
            }
        }
    }

    async fn within_by_graph(&self, user: UserId, largest: usize) -> Result<BTreeSet<UserId>, GraphError> {
        let mut circle: BTreeSet<_> = self.graph.friends(user).await?.iter().collect();
        for conversation in self.graph.conversations(user).await?.iter() {
            let members = self.graph.members(conversation).await?;
            if members.len() <= largest {
                circle.extend(members.iter());
            }
        }
        circle.remove(&user);
        self.without_blocks(user, self.online_of(circle).await).await
    }

    async fn sees_by_graph(&self, viewer: UserId, wanted: &[UserId]) -> Result<BTreeSet<UserId>, GraphError> {
        let friends = self.graph.friends(viewer).await?;
        let own = self.graph.conversations(viewer).await?;
        let (friends, others): (Vec<_>, Vec<_>) = wanted.iter().copied().partition(|user| friends.contains(*user));
        let theirs = try_join_all(others.iter().map(|user| self.graph.conversations(*user))).await?;
        let shared = others.into_iter().zip(theirs).filter(|(_, theirs)| theirs.iter().any(|one| own.contains(one)));
        let seen = shared.map(|(user, _)| user).chain(friends).filter(|user| *user != viewer).collect();
        self.without_blocks(viewer, seen).await
    }

    async fn online_of(&self, circle: BTreeSet<UserId>) -> BTreeSet<UserId> {
        let circle: Vec<_> = circle.into_iter().collect();
        self.here.of(&circle).await.people().collect()
    }

    async fn without_blocks(&self, user: UserId, mut others: BTreeSet<UserId>) -> Result<BTreeSet<UserId>, GraphError> {
        let blocked = self.graph.blocked_by(user).await?;
        others.retain(|other| !blocked.contains(*other));
        let blocks = try_join_all(others.iter().map(|other| self.graph.blocked_by(*other))).await?;
        Ok(others
            .into_iter()
            .zip(blocks)
            .filter(|(_, blocks)| !blocks.contains(user))
            .map(|(other, _)| other)
            .collect())
    }
}
