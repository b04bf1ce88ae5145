//! Mutual friends: from the graph, and from the read models while the graph is away.

use crate::App;
use domain::UserId;
use futures_util::future::try_join_all;
use graph::{Cached, GraphError};
use projections::queries::{FRIENDS_EXAMINED, FRIENDS_OF_FRIENDS_EXAMINED};
use protocol::Problem;
use std::collections::BTreeMap;

/// How many friends each friend of a friend shares with `user`. Friends of theirs are among them: who is to be
/// suggested is decided with what stands between the two.
///
/// # Errors
/// When graph and read models are both away.
pub async fn mutual_friends(app: &App, user: UserId) -> Result<BTreeMap<UserId, u64>, Problem> {
    match by_graph(&app.graph, user).await {
        Ok(mutual) => Ok(mutual),
        Err(error) => {
            tracing::debug!(error.cause = %error, "the read models answer for the graph");
            Ok(app.queries.mutual_friends(user).await?)
        }
    }
}

async fn by_graph(graph: &Cached, user: UserId) -> Result<BTreeMap<UserId, u64>, GraphError> {
    let friends: Vec<_> = graph.friends(user).await?.iter().take(FRIENDS_EXAMINED).collect();
    let theirs = try_join_all(friends.into_iter().map(|friend| graph.friends(friend))).await?;
    let mut mutual = BTreeMap::new();
    for friends in theirs {
        for other in friends.iter().take(FRIENDS_OF_FRIENDS_EXAMINED).filter(|other| *other != user) {
            *mutual.entry(other).or_default() += 1;
        }
    }
    Ok(mutual)
}
