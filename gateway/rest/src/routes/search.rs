//! Searching messages. People are searched where people are (`users.rs`).

use super::{budget::counted, page::Parameters, request::Reader};
use crate::HttpApp;
use axum::{Json, extract::State};
use limits::Kind;
use operations::App;
use projections::queries::MessageSearch;
use protocol::{
    Problem,
    problem::PROBLEM_JSON,
    resource::{FoundMessage, List},
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<HttpApp> {
    OpenApiRouter::new().routes(counted(Kind::Search, routes!(search_messages)))
}

/// Messages with all of some words, whatever their case and marks, among those that the caller sees. The last word may be
/// unfinished. A word with signs, such as `t-shirt`, `C++`, `#42` or an address, is found with these signs only. Best first: as written, then whole words, then unfinished ones; of equals the newest first.
#[utoipa::path(
    get, path = "/messages/search", operation_id = "searchMessages", tag = "messages",
    params(
        ("q" = String, Query, description = "words, at most 256 characters; signs count where a word touches them, and marks of punctuation around it do not"),
        ("conversationId" = Option<Uuid>, Query, description = "only in this conversation"),
        ("from" = Option<Uuid>, Query, description = "only by this sender"),
        ("limit" = Option<u32>, Query), ("after" = Option<String>, Query),
    ),
    responses(
        (status = 200, body = List<FoundMessage>),
        (status = 404, body = Problem, content_type = PROBLEM_JSON, description = "the caller is not in this conversation"),
    )
)]
async fn search_messages(
    State(app): State<App>,
    Reader(caller): Reader,
    parameters: Parameters,
) -> Result<Json<List<FoundMessage>>, Problem> {
    let text = parameters.searched("q")?.to_owned();
    let conversation = parameters.id("conversationId")?.map(Into::into);
    let from = parameters.id("from")?.map(Into::into);
    let search = MessageSearch { text, conversation, from };
    let page = parameters.page()?;
    let turn = app.costly(&caller, Kind::Search, page.cost()).await?;
    let found = app.queries.search_messages(caller.user, &search, &page).await?;
    drop(turn);
    Ok(Json(app.compute.run(caller.user, move || List::of(found)).await?))
}
