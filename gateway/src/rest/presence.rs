//! Who is here.

use super::request::Reader;
use crate::{
    App, Problem,
    resource::{List, Presence},
};
use axum::{Json, extract::State};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(online))
}

/// Those the caller may see who are here: friends and fellow members, without anybody between whom and the caller a
/// block stands.
#[utoipa::path(
    get, path = "/chat/online-users", tag = "presence", responses((status = 200, body = List<Presence>))
)]
async fn online(State(app): State<App>, Reader(caller): Reader) -> Result<Json<List<Presence>>, Problem> {
    let online = app.circle.online(caller.user, (app.clock)()).await?;
    Ok(Json(List::whole(online.into_iter().map(Presence::online).collect())))
}
