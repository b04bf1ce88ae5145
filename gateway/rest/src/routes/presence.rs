//! How people are here.

use super::{page::Parameters, request::Reader};
use crate::HttpApp;
use axum::{Json, extract::State};
use domain::UserId;
use limits::Kind;
use operations::{App, PEOPLE_PER_READ, distinct};
use projections::queries::{DEFAULT_LIMIT, QueryError};
use protocol::{
    Problem,
    request::uuid,
    resource::{List, Presence},
};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

/// People asked for at once.
pub(in crate::routes) const MAX_ASKED: usize = 200;
/// What asking who is online costs, in reads.
const ONLINE: u32 = 10;

pub(super) fn routes() -> OpenApiRouter<HttpApp> {
    OpenApiRouter::new().routes(routes!(seen)).routes(routes!(online))
}

/// The presence of people, in the order in which they are named. Somebody the caller may not see, who is not there or
/// hides, seems to be offline.
#[utoipa::path(
    get, path = "/presence", operation_id = "getPresence", tag = "presence",
    params(
        ("userIds" = Option<Vec<Uuid>>, Query, style = Form, explode = false,
         description = "at most 200 ids, comma separated; oneself when absent"),
    ),
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
    let malformed = || Problem::field("userIds", "malformed", "must be UUIDs of 36 characters, comma separated");
    uuid(text.trim()).map(UserId).ok_or_else(malformed)
}

/// Those the caller may see who are here and do not hide it: friends and fellow members, without anybody between whom
/// and the caller a block stands, by their ids.
#[utoipa::path(
    get, path = "/chat/online-users", operation_id = "listOnlineUsers", tag = "presence",
    params(("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<Presence>))
)]
async fn online(
    State(app): State<App>,
    Reader(caller): Reader,
    parameters: Parameters,
) -> Result<Json<List<Presence>>, Problem> {
    let after = parameters.get("after").map(|token| {
        let id = parameters.key().open(token).and_then(|id| Uuid::from_slice(&id).ok());
        id.map(UserId).ok_or(QueryError::BadToken)
    });
    let (after, most) = (after.transpose()?, parameters.limit()?.unwrap_or(DEFAULT_LIMIT));
    let _turn = app.costly(&caller, Kind::Read, ONLINE).await?;
    let (items, next) = app.presences.online(caller.user, after, most as usize).await?;
    Ok(Json(List { items, next: next.map(|last| parameters.key().seal(last.0.as_bytes())) }))
}
