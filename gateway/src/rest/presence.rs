//! How people are here.

use super::{
    answer::written,
    body::Body,
    page::Parameters,
    request::{Reader, Writer},
};
use crate::{
    App, Problem,
    limits::Kind,
    operations::{NewPresence, PEOPLE_PER_READ, distinct, set_presence},
    resource::{List, Presence},
};
use axum::{Json, extract::State, response::Response};
use domain::UserId;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

/// People asked for at once.
const MAX_ASKED: usize = 200;
/// What asking who is online costs, in reads.
const ONLINE: u32 = 10;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(seen, choose)).routes(routes!(online))
}

/// How people are here, in the order in which they are named. Whoever the caller may not see, is not there or hides
/// seems to be offline.
#[utoipa::path(
    get, path = "/presence", tag = "presence",
    params(("userIds" = Option<String>, Query, description = "at most 200 ids, comma separated; oneself when absent")),
    responses((status = 200, body = List<Presence>))
)]
async fn seen(
    State(app): State<App>,
    Reader(caller): Reader,
    parameters: Parameters,
) -> Result<Json<List<Presence>>, Problem> {
    let asked = match parameters.get("userIds") {
        Some(ids) => distinct(ids.split(',').map(user_id).collect::<Result<_, _>>()?, MAX_ASKED)?,
        None => vec![caller.user],
    };
    let extra = u32::try_from(asked.len() / PEOPLE_PER_READ).unwrap_or(u32::MAX);
    app.limits.charge(Kind::Read, caller.ip, Some(caller.user), extra).await?;
    Ok(Json(List::whole(app.presences.seen_by(&caller, &asked).await?)))
}

fn user_id(text: &str) -> Result<UserId, Problem> {
    let malformed = |_| Problem::field("userIds", "malformed", "must be UUIDs, comma separated");
    Uuid::try_parse(text.trim()).map(UserId).map_err(malformed)
}

/// Chooses how one wants to be seen. The answer shows oneself as others see one, and what was chosen.
#[utoipa::path(
    put, path = "/presence", tag = "presence",
    request_body = NewPresence, responses((status = 200, body = Presence))
)]
async fn choose(State(app): State<App>, writer: Writer, Body(request): Body<NewPresence>) -> Result<Response, Problem> {
    Ok(written(&app, set_presence(&writer.call(&app)?, request).await?).await)
}

/// Those the caller may see who are here and do not hide it: friends and fellow members, without anybody between whom
/// and the caller a block stands.
#[utoipa::path(
    get, path = "/chat/online-users", tag = "presence", responses((status = 200, body = List<Presence>))
)]
async fn online(State(app): State<App>, Reader(caller): Reader) -> Result<Json<List<Presence>>, Problem> {
    let _turn = app.costly(&caller, Kind::Read, ONLINE).await?;
    Ok(Json(List::whole(app.presences.online(caller.user).await?)))
}
