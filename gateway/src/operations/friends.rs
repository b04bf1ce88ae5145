//! Friends and blocks.

use super::{Answer, Call, WithUser};
use crate::{Problem, resource::Friendship};
use axum::http::StatusCode;
use domain::friendship::FriendshipAct;
use projections::queries::{FriendshipRow, QueryError};

/// Asks somebody to be friends; a request that crosses another accepts it.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn befriend(call: &Call<'_>, request: WithUser) -> Result<Answer, Problem> {
    standing(call, request, FriendshipAct::Request, StatusCode::CREATED).await
}

/// Accepts somebody's request.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn accept(call: &Call<'_>, request: WithUser) -> Result<Answer, Problem> {
    standing(call, request, FriendshipAct::Accept, StatusCode::OK).await
}

/// Blocks somebody; ends a friendship or request.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn block(call: &Call<'_>, request: WithUser) -> Result<Answer, Problem> {
    standing(call, request, FriendshipAct::Block, StatusCode::OK).await
}

/// Turns somebody's request down.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn turn_down(call: &Call<'_>, request: WithUser) -> Result<Answer, Problem> {
    apart(call, request, FriendshipAct::Reject).await
}

/// Takes one's own request back.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn cancel(call: &Call<'_>, request: WithUser) -> Result<Answer, Problem> {
    apart(call, request, FriendshipAct::Cancel).await
}

/// Lifts one's own block.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn unblock(call: &Call<'_>, request: WithUser) -> Result<Answer, Problem> {
    apart(call, request, FriendshipAct::Unblock).await
}

/// Ends a friendship.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn unfriend(call: &Call<'_>, request: WithUser) -> Result<Answer, Problem> {
    apart(call, request, FriendshipAct::Unfriend).await
}

/// An act after which there is something between the two: the answer says how they stand.
async fn standing(
    call: &Call<'_>,
    WithUser { user }: WithUser,
    act: FriendshipAct,
    status: StatusCode,
) -> Result<Answer, Problem> {
    let done = call.app.commands.friendship(&call.context(), user, act).await?;
    let row = async {
        let row = call.app.queries.friendship(call.caller.user, user).await?;
        row.ok_or(QueryError::NotFound)
    };
    call.shown::<Friendship, FriendshipRow>(status, &done.receipt, user.0, row).await
}

/// An act after which there is nothing to show.
async fn apart(call: &Call<'_>, WithUser { user }: WithUser, act: FriendshipAct) -> Result<Answer, Problem> {
    let done = call.app.commands.friendship(&call.context(), user, act).await?;
    Ok(Answer::nothing(&done.receipt))
}
