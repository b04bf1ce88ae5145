//! Searching messages. People are searched where people are (`users.rs`).

use super::{page::Parameters, request::Reader};
use crate::{
    App, Problem,
    limits::Kind,
    problem::PROBLEM_JSON,
    resource::{FoundMessage, List},
};
use axum::{Json, extract::State};
use projections::queries::MessageSearch;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The longest text to search for, in characters.
const LONGEST: usize = 256;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(search_messages))
}

/// Messages with all of some words, whatever their case and marks, among those that the caller sees. The last word may be
/// unfinished. Best first: as written, then whole words, then unfinished ones; of equals the newest first.
#[utoipa::path(
    get, path = "/messages/search", tag = "messages",
    params(
        ("q" = String, Query, description = "words, at most 256 characters; signs among them mean nothing"),
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
    let text = parameters.get("q").filter(|text| !text.trim().is_empty());
    let text = text.ok_or_else(|| Problem::field("q", "required", "is required"))?.to_owned();
    if text.chars().count() > LONGEST {
        return Err(Problem::field("q", "too_long", format!("must have at most {LONGEST} characters")));
    }
    let conversation = parameters.parsed("conversationId", "a UUID")?;
    let from = parameters.parsed("from", "a UUID")?;
    let search = MessageSearch { text, conversation, from };
    let page = parameters.page()?;
    let turn = app.costly(&caller, Kind::Search, page.cost()).await?;
    let found = app.queries.search_messages(caller.user, &search, &page).await?;
    drop(turn);
    Ok(Json(app.compute.run(caller.user, move || List::of(found)).await?))
}
