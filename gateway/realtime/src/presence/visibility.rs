//! The users who may see a user's presence: from the graph, and from the read models while the graph is unavailable.

use super::connection_registry::ConnectionRegistry;
use domain::UserId;
use graph::{Cached, GraphError};
use projections::{Progress, Projection, Queries};
use protocol::Problem;
use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock},
    time::Duration,
};

/// How long the read models may take to come to what this process knows.
const BEHIND: Duration = Duration::from_secs(2);

/// The members of the largest conversation in which all see each other's presence without subscribing. In a larger
/// one, each coming and going would go to everybody.
pub const SMALL_CONVERSATION: usize = 32;

/// Finds the users who may see a user's presence. Never used for permission to act (I9).
#[derive(Clone)]
pub struct PresenceAudience {
    graph: Cached,
    queries: Queries,
    connections: ConnectionRegistry,
    /// How far the read models have come, once this is known.
    progress: Arc<OnceLock<Progress>>,
}

impl PresenceAudience {
    /// Over both sources.
    #[must_use]
    pub fn new(graph: Cached, queries: Queries, connections: ConnectionRegistry) -> Self {
        Self { graph, queries, connections, progress: Arc::default() }
    }

    /// From now on the read models are asked no earlier than they have come to what this process knows of the log.
    pub fn wait_for(&self, progress: Progress) {
        drop(self.progress.set(progress));
    }

    /// The users who are blocked either way with `user`.
    ///
    /// # Errors
    /// When graph and read models are both away.
    pub async fn blocked_either_way(&self, user: UserId) -> Result<BTreeSet<UserId>, Problem> {
        match self.graph.ties(user).await {
            Ok(ties) => Ok(ties.apart().collect()),
            Err(error) => {
                tracing::debug!(error.cause = %error, "the read models answer for the graph");
                self.caught_up().await?;
                Ok(self.queries.apart(user).await?)
            }
        }
    }

    /// Friends and fellow members of `user` who have a socket somewhere, but nobody between whom and them a block
    /// stands. While the shared leases cannot be read, those with a socket here.
    ///
    /// # Errors
    /// When graph and read models are both away.
    pub async fn online(&self, user: UserId) -> Result<BTreeSet<UserId>, Problem> {
        self.within(user, usize::MAX).await
    }

    /// The presence audience of `user`: friends, and fellow members of conversations of at most [`SMALL_CONVERSATION`]
    /// members, if they are online and no block stands between.
    ///
    /// # Errors
    /// When neither the graph nor the read models are available.
    pub async fn onlookers(&self, user: UserId) -> Result<BTreeSet<UserId>, Problem> {
        self.within(user, SMALL_CONVERSATION).await
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
                self.caught_up().await?;
                let audience = self.queries.circle(viewer, u64::MAX).await?;
                wanted.iter().copied().filter(|user| audience.contains(user)).collect()
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
                self.caught_up().await?;
                let audience = self.queries.circle(user, u64::try_from(largest).unwrap_or(u64::MAX)).await?;
                Ok(self.online_of(audience).await)
            }
        }
    }

    /// Waits until the read models have applied every ended relation that this process knows of.
    async fn caught_up(&self) -> Result<(), Problem> {
        let Some(progress) = self.progress.get() else { return Ok(()) };
        let ties = [Projection::Friendships, Projection::Conversations];
        if progress.wait(self.graph.observed(), &ties, BEHIND).await {
            return Ok(());
        }
        Err(Problem::unavailable("read_models_behind", "the read models are not there yet", 1))
    }

    /// In three round trips at most, whatever it is a member of: ties, members of the conversations that are not too
    /// large, leases.
    async fn within_by_graph(&self, user: UserId, largest: usize) -> Result<BTreeSet<UserId>, GraphError> {
        let ties = self.graph.ties(user).await?;
        let conversations: Vec<_> = ties.conversations.iter().collect();
        let mut audience: BTreeSet<_> = ties.friends.iter().collect();
        for members in self.graph.members_of(&conversations, largest).await? {
            audience.extend(members.iter());
        }
        audience.remove(&user);
        audience.retain(|other| !ties.is_blocked_either_way(*other));
        Ok(self.online_of(audience).await)
    }

    async fn sees_by_graph(&self, viewer: UserId, wanted: &[UserId]) -> Result<BTreeSet<UserId>, GraphError> {
        let ties = self.graph.ties(viewer).await?;
        let others = wanted.iter().copied().filter(|user| *user != viewer && !ties.is_blocked_either_way(*user));
        let (friends, others): (Vec<_>, Vec<_>) = others.partition(|user| ties.friends.contains(*user));
        let theirs = self.graph.conversations_of(&others).await?;
        let shared = others
            .into_iter()
            .zip(theirs)
            .filter(|(_, theirs)| theirs.iter().any(|one| ties.conversations.contains(one)));
        Ok(shared.map(|(user, _)| user).chain(friends).collect())
    }

    async fn online_of(&self, users: BTreeSet<UserId>) -> BTreeSet<UserId> {
        let users: Vec<_> = users.into_iter().collect();
        self.connections.of(&users).await.people().collect()
    }
}
