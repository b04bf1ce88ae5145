//! Invites into groups.

use super::{
    answer::{LATER, written},
    budget::counted,
    page::Parameters,
    request::{Id, OneConversation, ReaderOf, Writer, id_in_path},
};
use crate::HttpApp;
use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    response::Response,
};
use domain::{ConversationId, conversation::ConversationError, text::InviteCode};
use limits::Kind;
use operations::App;
use protocol::{
    Problem,
    resource::{Conversation, Invite, List, Stored},
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<HttpApp> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(counted(Kind::Invite, routes!(revoke)))
        .routes(counted(Kind::Invite, routes!(accept)))
}

/// The invites into a group that are good: to a lead all, to another member their own.
#[utoipa::path(
    get, path = "/conversations/{id}/invites", operation_id = "listInvites", tag = "invites",
    params(("id" = Uuid, Path), ("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<Invite>))
)]
async fn list(
    State(app): State<App>,
    ReaderOf(caller, _): ReaderOf<OneConversation>,
    Id(conversation): Id<ConversationId>,
    parameters: Parameters,
) -> Result<Json<List<Invite>>, Problem> {
    Ok(Json(List::of(app.queries.invites(caller.user, conversation, (app.clock)(), &parameters.page()?).await?)))
}

type CodePath<T> = Result<Path<T>, PathRejection>;

/// What is no code names no invite.
fn code(text: &str) -> Result<InviteCode, Problem> {
    InviteCode::parse(text).map_err(|_| Problem::refusal(&ConversationError::InviteNotFound))
}

/// Takes an invite back: its maker may, and a lead.
#[utoipa::path(
    delete, path = "/conversations/{id}/invites/{code}", operation_id = "revokeInvite", tag = "invites",
    params(("id" = Uuid, Path), ("code" = String, Path)), responses((status = 204))
)]
async fn revoke(State(app): State<App>, writer: Writer, path: CodePath<(String, String)>) -> Result<Response, Problem> {
    let Path((conversation, text)) = path.map_err(|_| Problem::malformed("the address is not UTF-8"))?;
    let (conversation, code) = (id_in_path("id", &conversation)?.into(), code(&text)?);
    Ok(written(&app, operations::revoke_invite(&writer.request(&app)?, conversation, code).await?).await)
}

/// Comes into a group by an invite. Where joining needs approval, a lead's invite is one, and another's leads into the
/// queue. Whatever is wrong with a code, the answer is `invite_not_found`.
#[utoipa::path(
    post, path = "/invites/{code}/accept", operation_id = "acceptInvite", tag = "invites",
    params(("code" = String, Path)), 
    responses((status = 200, body = Conversation), (status = 202, description = LATER, body = Stored))
)]
async fn accept(State(app): State<App>, writer: Writer, path: CodePath<String>) -> Result<Response, Problem> {
    let Path(text) = path.map_err(|_| Problem::malformed("the address is not UTF-8"))?;
    Ok(written(&app, operations::accept_invite(&writer.request(&app)?, code(&text)?).await?).await)
}
