//! Calls.

use super::{
    answer::written,
    body::OptionalBody,
    budget::counted,
    page::Parameters,
    request::{Id, OneCall, OneConversation, Reader, ReaderOf, Writer},
};
use crate::{HttpApp, IceServers};
use axum::{Json, extract::State, response::Response};
use domain::{CallId, ConversationId};
use operations::{
    App, Operation as _,
    calls::{AnswerCall, AttachedData, CallMeant, CloseCall, RefuseCall},
    run,
};
use protocol::{
    Problem,
    resource::{Call, List},
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<HttpApp> {
    OpenApiRouter::new()
        .routes(routes!(ice_servers))
        .routes(routes!(one))
        .routes(counted(AnswerCall::BUDGET, routes!(answer)))
        .routes(counted(RefuseCall::BUDGET, routes!(refuse)))
        .routes(counted(CloseCall::BUDGET, routes!(close)))
        .routes(routes!(list))
}

/// Servers that help the media of a call through, with credentials that expire by themselves.
#[utoipa::path(
    get, path = "/calls/ice-servers", operation_id = "getIceServers", tag = "calls",
    responses((status = 200, body = IceServers))
)]
async fn ice_servers(State(app): State<App>, Reader(caller): Reader) -> Json<IceServers> {
    Json(IceServers::mint(&app.config, caller.user, (app.clock)()))
}

/// A call.
#[utoipa::path(
    get, path = "/calls/{id}", operation_id = "getCall", tag = "calls",
    params(("id" = Uuid, Path)), responses((status = 200, body = Call))
)]
async fn one(
    State(app): State<App>,
    ReaderOf(caller, _): ReaderOf<OneCall>,
    Id(call): Id<CallId>,
) -> Result<Json<Call>, Problem> {
    Ok(Json(app.queries.call(caller.user, call).await?.into()))
}

/// The calls of a conversation, newest first.
#[utoipa::path(
    get, path = "/conversations/{id}/calls", operation_id = "listCalls", tag = "calls",
    params(("id" = Uuid, Path), ("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<Call>))
)]
async fn list(
    State(app): State<App>,
    ReaderOf(caller, _): ReaderOf<OneConversation>,
    Id(conversation): Id<ConversationId>,
    parameters: Parameters,
) -> Result<Json<List<Call>>, Problem> {
    Ok(Json(List::of(app.queries.calls(caller.user, conversation, &parameters.page()?).await?)))
}

/// Joins a call.
#[utoipa::path(
    post, path = "/calls/{id}/answer", operation_id = "answerCall", tag = "calls", params(("id" = Uuid, Path)),
    request_body = Option<AttachedData>, responses((status = 200, body = Call))
)]
async fn answer(
    State(app): State<App>,
    writer: Writer,
    Id(call): Id<CallId>,
    OptionalBody(body): OptionalBody<AttachedData>,
) -> Result<Response, Problem> {
    let answer = run::<AnswerCall>((), CallMeant::call(call, body), &writer.request(&app)?).await?;
    Ok(written(&app, answer).await)
}

/// Does not want to join a call; it is over when it rings nobody any more.
#[utoipa::path(
    post, path = "/calls/{id}/refuse", operation_id = "refuseCall", tag = "calls", params(("id" = Uuid, Path)),
    request_body = Option<AttachedData>, responses((status = 200, body = Call))
)]
async fn refuse(
    State(app): State<App>,
    writer: Writer,
    Id(call): Id<CallId>,
    OptionalBody(body): OptionalBody<AttachedData>,
) -> Result<Response, Problem> {
    let answer = run::<RefuseCall>((), CallMeant::call(call, body), &writer.request(&app)?).await?;
    Ok(written(&app, answer).await)
}

/// Hangs up, or takes a call back; with fewer than two it is over.
#[utoipa::path(
    post, path = "/calls/{id}/close", operation_id = "closeCall", tag = "calls", params(("id" = Uuid, Path)),
    request_body = Option<AttachedData>, responses((status = 200, body = Call))
)]
async fn close(
    State(app): State<App>,
    writer: Writer,
    Id(call): Id<CallId>,
    OptionalBody(body): OptionalBody<AttachedData>,
) -> Result<Response, Problem> {
    let answer = run::<CloseCall>((), CallMeant::call(call, body), &writer.request(&app)?).await?;
    Ok(written(&app, answer).await)
}
