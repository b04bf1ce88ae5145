//! Members of conversations.

use super::{Answer, Operation, Request, Route, conversations::shown};
use async_trait::async_trait;
use axum::http::StatusCode;
use domain::{ConversationId, UserId};
use limits::Kind;
use protocol::{
    Problem,
    request::{Faults, Nothing, Parse},
    resource::{Conversation, OrId},
};
use serde_json::Value;
use utoipa::ToSchema;

/// Whose membership is to change.
#[derive(Clone, Copy, Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct MemberChange {
    /// The user.
    #[schema(value_type = Uuid)]
    pub user_id: UserId,
}

impl Parse for MemberChange {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        Some(Self { user_id: faults.object(value)?.required("userId")? })
    }
}

/// `conversation.join`.
pub struct JoinConversation;

#[async_trait]
impl Operation for JoinConversation {
    const NAME: &'static str = "conversation.join";
    const SUMMARY: &'static str = "Joins a group whose `joining` is `open` or to which one was invited, or asks to where it is \
        `approval`. To everybody else there is no such group: one by invite, one from which a lead removed \
        them, one with a lead of which a block stands between them.";
    const BUDGET: Kind = Kind::Conversation;
    const ECHOES: bool = false;
    const ROUTE: Option<Route> = Some(Route::post("/conversations/{id}/join", "joinConversation", "conversations"));

    type Target = ConversationId;
    type Body = Nothing;
    type Output = OrId<Conversation>;

    async fn run(conversation: ConversationId, _: Nothing, request: &Request<'_>) -> Result<Answer, Problem> {
        let done = request.app.commands.join(&request.context(), conversation).await?;
        shown(request, StatusCode::OK, conversation, &done.receipt).await
    }
}

/// `conversation.leave`.
pub struct LeaveConversation;

#[async_trait]
impl Operation for LeaveConversation {
    const NAME: &'static str = "conversation.leave";
    const SUMMARY: &'static str = "Leaves a group, takes back that one asked to join, or declines an invitation.";
    const BUDGET: Kind = Kind::Conversation;
    const ROUTE: Option<Route> = Some(Route::post("/conversations/{id}/leave", "leaveConversation", "conversations"));

    type Target = ConversationId;
    type Body = Nothing;
    type Output = Nothing;

    async fn run(conversation: ConversationId, _: Nothing, request: &Request<'_>) -> Result<Answer, Problem> {
        let done = request.app.commands.leave(&request.context(), conversation).await?;
        request.app.typing.stop(conversation, request.caller.user).await;
        Ok(Answer::nothing(&done.receipt))
    }
}

/// `conversation.add`.
pub struct AddMember;

#[async_trait]
impl Operation for AddMember {
    const NAME: &'static str = "conversation.add";
    const SUMMARY: &'static str = "Makes somebody a member; who lets friends alone add them (`reachableBy`) is invited by others: their \
        status is `invited` until they join or leave. Whom a lead removed or has blocked, a lead alone adds; \
        who has left, a friend alone.";
    const BUDGET: Kind = Kind::Conversation;
    const ECHOES: bool = false;
    const ROUTE: Option<Route> = Some(Route::post("/conversations/{id}/add", "addMember", "conversations"));

    type Target = ConversationId;
    type Body = MemberChange;
    type Output = OrId<Conversation>;

    async fn run(
        conversation: ConversationId,
        MemberChange { user_id: user }: MemberChange,
        request: &Request<'_>,
    ) -> Result<Answer, Problem> {
        let done = request.app.commands.add(&request.context(), conversation, user).await?;
        shown(request, StatusCode::OK, conversation, &done.receipt).await
    }
}

/// `conversation.kick`.
pub struct KickMember;

#[async_trait]
impl Operation for KickMember {
    const NAME: &'static str = "conversation.kick";
    const SUMMARY: &'static str = "Removes a member, or takes an invitation back.";
    const BUDGET: Kind = Kind::Conversation;
    const ROUTE: Option<Route> = Some(Route::post("/conversations/{id}/kick", "kickMember", "conversations"));

    type Target = ConversationId;
    type Body = MemberChange;
    type Output = OrId<Conversation>;

    async fn run(
        conversation: ConversationId,
        MemberChange { user_id: user }: MemberChange,
        request: &Request<'_>,
    ) -> Result<Answer, Problem> {
        let done = request.app.commands.kick(&request.context(), conversation, user).await?;
        shown(request, StatusCode::OK, conversation, &done.receipt).await
    }
}

/// `conversation.promote`.
pub struct PromoteMember;

#[async_trait]
impl Operation for PromoteMember {
    const NAME: &'static str = "conversation.promote";
    const SUMMARY: &'static str = "Makes a member a lead. An administrator who is not in the group may, too.";
    const BUDGET: Kind = Kind::Conversation;
    const ROUTE: Option<Route> = Some(Route::post("/conversations/{id}/promote", "promoteMember", "conversations"));

    type Target = ConversationId;
    type Body = MemberChange;
    type Output = OrId<Conversation>;

    async fn run(
        conversation: ConversationId,
        MemberChange { user_id: user }: MemberChange,
        request: &Request<'_>,
    ) -> Result<Answer, Problem> {
        let done = request.app.commands.promote(&request.context(), conversation, user).await?;
        shown(request, StatusCode::OK, conversation, &done.receipt).await
    }
}

/// `conversation.demote`.
pub struct DemoteMember;

#[async_trait]
impl Operation for DemoteMember {
    const NAME: &'static str = "conversation.demote";
    const SUMMARY: &'static str = "Makes a lead a plain member.";
    const BUDGET: Kind = Kind::Conversation;
    const ROUTE: Option<Route> = Some(Route::post("/conversations/{id}/demote", "demoteMember", "conversations"));

    type Target = ConversationId;
    type Body = MemberChange;
    type Output = OrId<Conversation>;

    async fn run(
        conversation: ConversationId,
        MemberChange { user_id: user }: MemberChange,
        request: &Request<'_>,
    ) -> Result<Answer, Problem> {
        let done = request.app.commands.demote(&request.context(), conversation, user).await?;
        shown(request, StatusCode::OK, conversation, &done.receipt).await
    }
}

/// `conversation.approve`.
pub struct ApproveMember;

#[async_trait]
impl Operation for ApproveMember {
    const NAME: &'static str = "conversation.approve";
    const SUMMARY: &'static str = "Lets somebody in who asked.";
    const BUDGET: Kind = Kind::Conversation;
    const ECHOES: bool = false;
    const ROUTE: Option<Route> = Some(Route::post("/conversations/{id}/approve", "approveMember", "conversations"));

    type Target = ConversationId;
    type Body = MemberChange;
    type Output = OrId<Conversation>;

    async fn run(
        conversation: ConversationId,
        MemberChange { user_id: user }: MemberChange,
        request: &Request<'_>,
    ) -> Result<Answer, Problem> {
        let done = request.app.commands.approve(&request.context(), conversation, user).await?;
        shown(request, StatusCode::OK, conversation, &done.receipt).await
    }
}

/// `conversation.reject`.
pub struct RejectMember;

#[async_trait]
impl Operation for RejectMember {
    const NAME: &'static str = "conversation.reject";
    const SUMMARY: &'static str = "Turns somebody down who asked.";
    const BUDGET: Kind = Kind::Conversation;
    const ROUTE: Option<Route> = Some(Route::post("/conversations/{id}/reject", "rejectMember", "conversations"));

    type Target = ConversationId;
    type Body = MemberChange;
    type Output = OrId<Conversation>;

    async fn run(
        conversation: ConversationId,
        MemberChange { user_id: user }: MemberChange,
        request: &Request<'_>,
    ) -> Result<Answer, Problem> {
        let done = request.app.commands.reject(&request.context(), conversation, user).await?;
        shown(request, StatusCode::OK, conversation, &done.receipt).await
    }
}

/// Makes a member a lead, as an administrator who is not in the group.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn appoint(request: &Request<'_>, conversation: ConversationId, user: UserId) -> Result<Answer, Problem> {
    let done = request.app.commands.promote(&request.context(), conversation, user).await?;
    Ok(Answer::nothing(&done.receipt))
}
