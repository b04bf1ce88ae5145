//! Conversations, for administrators: what they are, and nothing of what is said in them.

use crate::{
    HttpApp,
    routes::{
        answer::written,
        body::Body,
        page::Parameters,
        request::{AsAdmin, Id, Reader, Writer},
    },
};
use axum::{Json, extract::State, response::Response};
use domain::{ConversationId, conversation::ConversationType};
use operations::{App, MemberChange};
use projections::queries::ConversationFilter;
use protocol::{
    Problem,
    resource::{List, WatchedConversation},
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<HttpApp> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(remove)).routes(routes!(promote))
}

/// Conversations that are not over, the one that was opened last first.
#[utoipa::path(
    get, path = "/admin/conversations", operation_id = "listAllConversations", tag = "admin",
    params(
        ("query" = Option<String>, Query, description = "part of a title"),
        ("type" = Option<String>, Query, description = "`direct` or `group`"),
        ("limit" = Option<u32>, Query), ("after" = Option<String>, Query),
    ),
    responses((status = 200, body = List<WatchedConversation>))
)]
async fn list(
    State(app): State<App>,
    _: AsAdmin<Reader>,
    parameters: Parameters,
) -> Result<Json<List<WatchedConversation>>, Problem> {
    let types = [ConversationType::Direct, ConversationType::Group].map(|wanted| (wanted.as_str(), wanted));
    let filter = ConversationFilter {
        text: parameters.search("query")?.map(str::to_owned),
        conversation_type: parameters.any_of("type", &types)?,
    };
    Ok(Json(List::of(app.queries.watched(&filter, &parameters.page()?).await?)))
}

/// Makes a member of a group a lead: of one whose leads are gone, say. Not of a group that one is in oneself.
#[utoipa::path(
    post, path = "/admin/conversations/{id}/promote", operation_id = "appointLead", tag = "admin",
    params(("id" = Uuid, Path)), request_body = MemberChange, responses((status = 204))
)]
async fn promote(
    State(app): State<App>,
    AsAdmin(writer): AsAdmin<Writer>,
    Id(conversation): Id<ConversationId>,
    Body(MemberChange { user_id }): Body<MemberChange>,
) -> Result<Response, Problem> {
    Ok(written(&app, operations::appoint(&writer.request(&app)?, conversation, user_id).await?).await)
}

/// Ends a conversation for everybody. A direct one stays closed to its two people.
#[utoipa::path(
    delete, path = "/admin/conversations/{id}", operation_id = "removeConversation", tag = "admin",
    params(("id" = Uuid, Path)), responses((status = 204))
)]
async fn remove(
    State(app): State<App>,
    AsAdmin(writer): AsAdmin<Writer>,
    Id(conversation): Id<ConversationId>,
) -> Result<Response, Problem> {
    Ok(written(&app, operations::remove_conversation(&writer.request(&app)?, conversation).await?).await)
}
