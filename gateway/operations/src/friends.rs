//! Friends and blocks.

use super::{Answer, MemberChange, Operation, Order, Request, Route};
use async_trait::async_trait;
use axum::http::StatusCode;
use domain::{UserId, friendship::FriendshipAct};
use limits::Kind;
use projections::queries::{FriendshipRow, QueryError};
use protocol::{
    Problem,
    request::Nothing,
    resource::{Friendship, OrId},
};

/// `friend.request`.
pub struct RequestFriendship;

#[async_trait]
impl Operation for RequestFriendship {
    const NAME: &'static str = "friend.request";
    const SUMMARY: &'static str = "Asks somebody to be friends; a request that crosses another accepts it.";
    const BUDGET: Kind = Kind::Befriend;
    const ROUTE: Option<Route> = Some(Route::post("/friends", "requestFriendship", "friends").creates());

    type Target = ();
    type Body = MemberChange;
    type Output = OrId<Friendship>;

    fn order((): &(), change: &MemberChange) -> Order {
        Order::Of(change.user_id.0)
    }

    async fn run((): (), MemberChange { user_id }: MemberChange, request: &Request<'_>) -> Result<Answer, Problem> {
        standing(request, user_id, FriendshipAct::Request, StatusCode::CREATED).await
    }
}

/// `friend.accept`.
pub struct AcceptFriend;

#[async_trait]
impl Operation for AcceptFriend {
    const NAME: &'static str = "friend.accept";
    const SUMMARY: &'static str = "Accepts somebody's request.";
    const BUDGET: Kind = Kind::Friend;
    const ROUTE: Option<Route> = Some(Route::post("/friends/{userId}/accept", "acceptFriendRequest", "friends"));

    type Target = UserId;
    type Body = Nothing;
    type Output = OrId<Friendship>;

    async fn run(user: UserId, _: Nothing, request: &Request<'_>) -> Result<Answer, Problem> {
        standing(request, user, FriendshipAct::Accept, StatusCode::OK).await
    }
}

/// `friend.reject`.
pub struct RejectFriend;

#[async_trait]
impl Operation for RejectFriend {
    const NAME: &'static str = "friend.reject";
    const SUMMARY: &'static str = "Turns somebody's request down.";
    const BUDGET: Kind = Kind::Friend;
    const ROUTE: Option<Route> = Some(Route::post("/friends/{userId}/reject", "rejectFriendRequest", "friends"));

    type Target = UserId;
    type Body = Nothing;
    type Output = Nothing;

    async fn run(user: UserId, _: Nothing, request: &Request<'_>) -> Result<Answer, Problem> {
        apart(request, user, FriendshipAct::Reject).await
    }
}

/// `friend.cancel`.
pub struct CancelRequest;

#[async_trait]
impl Operation for CancelRequest {
    const NAME: &'static str = "friend.cancel";
    const SUMMARY: &'static str = "Takes one's own request back.";
    const BUDGET: Kind = Kind::Friend;
    const ROUTE: Option<Route> = Some(Route::post("/friends/{userId}/cancel", "cancelFriendRequest", "friends"));

    type Target = UserId;
    type Body = Nothing;
    type Output = Nothing;

    async fn run(user: UserId, _: Nothing, request: &Request<'_>) -> Result<Answer, Problem> {
        apart(request, user, FriendshipAct::Cancel).await
    }
}

/// `friend.block`.
pub struct BlockUser;

#[async_trait]
impl Operation for BlockUser {
    const NAME: &'static str = "friend.block";
    const SUMMARY: &'static str = "Blocks somebody; ends a friendship or request.";
    const BUDGET: Kind = Kind::Friend;
    const ROUTE: Option<Route> = Some(Route::post("/friends/{userId}/block", "blockUser", "friends"));

    type Target = UserId;
    type Body = Nothing;
    type Output = OrId<Friendship>;

    async fn run(user: UserId, _: Nothing, request: &Request<'_>) -> Result<Answer, Problem> {
        standing(request, user, FriendshipAct::Block, StatusCode::OK).await
    }
}

/// `friend.unblock`.
pub struct UnblockUser;

#[async_trait]
impl Operation for UnblockUser {
    const NAME: &'static str = "friend.unblock";
    const SUMMARY: &'static str = "Lifts one's own block.";
    const BUDGET: Kind = Kind::Friend;
    const ROUTE: Option<Route> = Some(Route::post("/friends/{userId}/unblock", "unblockUser", "friends"));

    type Target = UserId;
    type Body = Nothing;
    type Output = Nothing;

    async fn run(user: UserId, _: Nothing, request: &Request<'_>) -> Result<Answer, Problem> {
        apart(request, user, FriendshipAct::Unblock).await
    }
}

/// `friend.unfriend`.
pub struct Unfriend;

#[async_trait]
impl Operation for Unfriend {
    const NAME: &'static str = "friend.unfriend";
    const SUMMARY: &'static str = "Ends a friendship.";
    const BUDGET: Kind = Kind::Friend;
    const ROUTE: Option<Route> = Some(Route::post("/friends/{userId}/unfriend", "endFriendship", "friends"));

    type Target = UserId;
    type Body = Nothing;
    type Output = Nothing;

    async fn run(user: UserId, _: Nothing, request: &Request<'_>) -> Result<Answer, Problem> {
        apart(request, user, FriendshipAct::Unfriend).await
    }
}

/// An act after which there is something between the two: the answer says how they stand.
async fn standing(
    request: &Request<'_>,
    user: UserId,
    act: FriendshipAct,
    status: StatusCode,
) -> Result<Answer, Problem> {
    let done = request.app.commands.friendship(&request.context(), user, act).await?;
    let row = async {
        let row = request.app.queries.friendship(request.caller.user, user).await?;
        row.ok_or(QueryError::NotFound)
    };
    request.shown::<Friendship, FriendshipRow>(status, &done.receipt, user.0, row).await
}

/// An act after which there is nothing to show.
async fn apart(request: &Request<'_>, user: UserId, act: FriendshipAct) -> Result<Answer, Problem> {
    let done = request.app.commands.friendship(&request.context(), user, act).await?;
    Ok(Answer::nothing(&done.receipt))
}
