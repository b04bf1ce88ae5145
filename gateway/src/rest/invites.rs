//! Invites into groups.

use super::{
    answer::written,
    body::OptionalBody,
    page::Parameters,
    request::{Id, Reader, Writer},
};
use crate::{
    App, Problem,
    operations::{self, InConversation, NewInvite},
    resource::{Conversation, Invite, List},
};
use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    response::Response,
};
use domain::{ConversationId, conversation::ConversationError, text::InviteCode};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(revoke)).routes(routes!(accept))
}

/// The invites into a group that are good: to a lead all, to another member their own.
#[utoipa::path(
    get, path = "/conversations/{id}/invites", tag = "invites",
    params(("id" = Uuid, Path), ("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<Invite>))
)]
async fn list(
    State(app): State<App>,
    Reader(caller): Reader,
    Id(conversation): Id<ConversationId>,
    parameters: Parameters,
) -> Result<Json<List<Invite>>, Problem> {
    Ok(Json(List::of(app.queries.invites(caller.user, conversation, (app.clock)(), &parameters.page()?).await?)))
}

/// Makes an invite into a group. Any member may; where joining needs approval, a lead alone. It goes with its maker.
#[utoipa::path(
    post, path = "/conversations/{id}/invites", tag = "invites", params(("id" = Uuid, Path)),
    request_body = Option<NewInvite>, responses((status = 201, body = Invite))
)]
async fn create(
    State(app): State<App>,
    writer: Writer,
    Id(conversation): Id<ConversationId>,
    OptionalBody(body): OptionalBody<NewInvite>,
) -> Result<Response, Problem> {
    let request = InConversation { conversation, body };
    Ok(written(&app, operations::invite(&writer.call(&app)?, request).await?).await)
}

type CodePath<T> = Result<Path<T>, PathRejection>;

/// What is no code names no invite.
fn code(text: &str) -> Result<InviteCode, Problem> {
    InviteCode::parse(text).map_err(|_| Problem::refusal(&ConversationError::InviteNotFound))
}

/// Takes an invite back: its maker may, and a lead.
#[utoipa::path(
    delete, path = "/conversations/{id}/invites/{code}", tag = "invites",
    params(("id" = Uuid, Path), ("code" = String, Path)), responses((status = 204))
)]
async fn revoke(State(app): State<App>, writer: Writer, path: CodePath<(String, String)>) -> Result<Response, Problem> {
    let Path((conversation, text)) = path.map_err(|_| Problem::malformed("the address is not UTF-8"))?;
    let conversation = Uuid::try_parse(&conversation).map_err(|_| Problem::not_found())?.into();
    let request = InConversation { conversation, body: code(&text)? };
    Ok(written(&app, operations::revoke_invite(&writer.call(&app)?, request).await?).await)
}

/// Comes into a group by an invite. Where joining needs approval, a lead's invite is one, and another's leads into the
/// queue. Whatever is wrong with a code, the answer is `invite_not_found`.
#[utoipa::path(
    post, path = "/invites/{code}/accept", tag = "invites",
    params(("code" = String, Path)), responses((status = 200, body = Conversation))
)]
async fn accept(State(app): State<App>, writer: Writer, path: CodePath<String>) -> Result<Response, Problem> {
    let Path(text) = path.map_err(|_| Problem::malformed("the address is not UTF-8"))?;
    Ok(written(&app, operations::accept_invite(&writer.call(&app)?, code(&text)?).await?).await)
}
