//! Calls.

use super::{
    answer::written,
    body::{Body, OptionalBody},
    page::Parameters,
    request::{Id, Reader, Writer},
};
use crate::{
    App, Problem,
    calls::IceServers,
    operations::{self, AttachedData, CallMeant, NewCall},
    resource::{Call, List},
};
use axum::{Json, extract::State, response::Response};
use domain::{CallId, ConversationId};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(initiate))
        .routes(routes!(ice_servers))
        .routes(routes!(one))
        .routes(routes!(answer_call))
        .routes(routes!(refuse_call))
        .routes(routes!(close_call))
        .routes(routes!(list))
}

/// Calls the others of a conversation. One that it has already is joined instead.
#[utoipa::path(
    post, path = "/calls", tag = "calls", request_body = NewCall,
    responses((status = 201, body = Call), (status = 200, body = Call, description = "it was there, and was joined"))
)]
async fn initiate(State(app): State<App>, writer: Writer, Body(request): Body<NewCall>) -> Result<Response, Problem> {
    Ok(written(&app, operations::initiate(&writer.call(&app)?, request).await?).await)
}

/// Servers that help the media of a call through, with credentials that expire by themselves.
#[utoipa::path(get, path = "/calls/ice-servers", tag = "calls", responses((status = 200, body = IceServers)))]
async fn ice_servers(State(app): State<App>, Reader(caller): Reader) -> Json<IceServers> {
    Json(IceServers::mint(&app.config, caller.user, (app.clock)()))
}

/// A call.
#[utoipa::path(
    get, path = "/calls/{id}", tag = "calls", params(("id" = Uuid, Path)), responses((status = 200, body = Call))
)]
async fn one(State(app): State<App>, Reader(caller): Reader, Id(call): Id<CallId>) -> Result<Json<Call>, Problem> {
    Ok(Json(app.queries.call(caller.user, call).await?.into()))
}

/// The calls of a conversation, newest first.
#[utoipa::path(
    get, path = "/conversations/{id}/calls", tag = "calls",
    params(("id" = Uuid, Path), ("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<Call>))
)]
async fn list(
    State(app): State<App>,
    Reader(caller): Reader,
    Id(conversation): Id<ConversationId>,
    parameters: Parameters,
) -> Result<Json<List<Call>>, Problem> {
    Ok(Json(List::of(app.queries.calls(caller.user, conversation, &parameters.page()?).await?)))
}

macro_rules! on_call {
    ($(#[$doc:meta])* $name:ident, $path:literal) => {
        $(#[$doc])*
        #[utoipa::path(
            post, path = $path, tag = "calls", params(("id" = Uuid, Path)),
            request_body = Option<AttachedData>, responses((status = 200, body = Call))
        )]
        async fn $name(
            State(app): State<App>,
            writer: Writer,
            Id(call): Id<CallId>,
            OptionalBody(body): OptionalBody<AttachedData>,
        ) -> Result<Response, Problem> {
            let request = CallMeant::call(call, body);
            Ok(written(&app, operations::$name(&writer.call(&app)?, request).await?).await)
        }
    };
}

on_call!(
    /// Joins a call.
    answer_call, "/calls/{id}/answer"
);
on_call!(
    /// Does not want to join a call; it is over when it rings nobody any more.
    refuse_call, "/calls/{id}/refuse"
);
on_call!(
    /// Hangs up, or takes a call back; with fewer than two it is over.
    close_call, "/calls/{id}/close"
);
