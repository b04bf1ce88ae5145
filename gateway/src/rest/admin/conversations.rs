//! Conversations, for administrators: what they are, and nothing of what is said in them.

use crate::{
    App, Problem, operations,
    resource::{List, WatchedConversation},
    rest::{
        answer::written,
        page::Parameters,
        request::{AsAdmin, Id, Reader, Writer},
    },
};
use axum::{Json, extract::State, response::Response};
use domain::{ConversationId, conversation::ConversationType};
use projections::queries::WatchedFilter;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(remove))
}

/// Conversations that are not over, the one that was opened last first.
#[utoipa::path(
    get, path = "/admin/conversations", tag = "admin",
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
    let filter = WatchedFilter {
        text: parameters.get("query").map(str::to_owned),
        conversation_type: parameters.any_of("type", &types)?,
    };
    Ok(Json(List::of(app.queries.watched(&filter, &parameters.page()?).await?)))
}

/// Ends a conversation for everybody. A direct one stays closed to its two people.
#[utoipa::path(
    delete, path = "/admin/conversations/{id}", tag = "admin",
    params(("id" = Uuid, Path)), responses((status = 204))
)]
async fn remove(
    State(app): State<App>,
    AsAdmin(writer): AsAdmin<Writer>,
    Id(conversation): Id<ConversationId>,
) -> Result<Response, Problem> {
    Ok(written(&app, operations::remove_conversation(&writer.call(&app)?, conversation).await?).await)
}
