//! Conversations and who is in them.

use super::{
    page::Parameters,
    request::{Id, OneConversation, Reader, ReaderOf},
};
use crate::HttpApp;
use axum::{Json, extract::State};
use domain::ConversationId;
use limits::Kind;
use operations::App;
use projections::queries::MemberFilter;
use protocol::{
    Problem,
    resource::{Conversation, List, Member},
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<HttpApp> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one)).routes(routes!(members))
}

/// One's conversations, by latest activity.
#[utoipa::path(
    get, path = "/conversations", operation_id = "listConversations", tag = "conversations",
    params(
        ("archived" = Option<bool>, Query, description = "only the archived ones, or (when absent) only the others"),
        ("limit" = Option<u32>, Query), ("after" = Option<String>, Query),
    ),
    responses((status = 200, body = List<Conversation>))
)]
async fn list(
    State(app): State<App>,
    Reader(caller): Reader,
    parameters: Parameters,
) -> Result<Json<List<Conversation>>, Problem> {
    let archived = parameters.one_of("archived", &[("false", false), ("true", true)])?;
    let page = parameters.page()?;
    let _turn = app.costly(&caller, Kind::Read, page.cost()).await?;
    Ok(Json(List::of(app.queries.conversations(caller.user, archived, (app.clock)(), &page).await?)))
}

/// A conversation.
#[utoipa::path(
    get, path = "/conversations/{id}", operation_id = "getConversation", tag = "conversations",
    params(("id" = Uuid, Path)), responses((status = 200, body = Conversation))
)]
async fn one(
    State(app): State<App>,
    ReaderOf(caller, _): ReaderOf<OneConversation>,
    Id(conversation): Id<ConversationId>,
) -> Result<Json<Conversation>, Problem> {
    Ok(Json(app.queries.conversation(caller.user, conversation, (app.clock)()).await?.into()))
}

/// The people who are in a conversation, asked to join, or were invited. Every member sees all of them; leads decide.
#[utoipa::path(
    get, path = "/conversations/{id}/members", operation_id = "listMembers", tag = "conversations",
    params(
        ("id" = Uuid, Path), ("status" = Option<String>, Query, description = "`active` (when absent), `pending` or `invited`"),
        ("limit" = Option<u32>, Query), ("after" = Option<String>, Query),
    ),
    responses((status = 200, body = List<Member>))
)]
async fn members(
    State(app): State<App>,
    ReaderOf(caller, _): ReaderOf<OneConversation>,
    Id(conversation): Id<ConversationId>,
    parameters: Parameters,
) -> Result<Json<List<Member>>, Problem> {
    let known =
        [("active", MemberFilter::Active), ("pending", MemberFilter::Pending), ("invited", MemberFilter::Invited)];
    let filter = parameters.one_of("status", &known)?;
    Ok(Json(List::of(app.queries.members(caller.user, conversation, filter, &parameters.page()?).await?)))
}
