//! How the server fares.

use crate::{
    HttpApp,
    routes::request::{AsAdmin, Reader},
};
use axum::{Json, extract::State};
use domain::Timestamp;
use operations::App;
use projections::{Projection, queries::ServerTotals};
use protocol::{
    Problem,
    resource::{AccountCounts, ConversationCounts, Dashboard, MessageCounts, ProjectionLag},
};
use utoipa_axum::{router::OpenApiRouter, routes};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

pub(super) fn routes() -> OpenApiRouter<HttpApp> {
    OpenApiRouter::new().routes(routes!(dashboard))
}

/// How much there is of everything, and how far the read models have come.
#[utoipa::path(
    get, path = "/admin/dashboard", operation_id = "getDashboard", tag = "admin",
    responses((status = 200, body = Dashboard))
)]
async fn dashboard(State(app): State<App>, _: AsAdmin<Reader>) -> Result<Json<Dashboard>, Problem> {
    let at = (app.clock)();
    let midnight = Timestamp::from_millis(at.millis().div_euclid(DAY_MS) * DAY_MS);
    let totals = app.queries.server_totals(midnight).await?;
    let lags = app.upkeep.lags(&app.progress).await?;
    let ServerTotals { accounts, blocked, moderators, admins, direct, groups, messages, messages_since, .. } = totals;
    let lag = |projection: Projection| ProjectionLag {
        name: projection.name(),
        lag: lags.get(&projection).copied().unwrap_or_default(),
    };
    Ok(Json(Dashboard {
        at,
        accounts: AccountCounts { total: accounts, blocked, moderators, admins },
        online: app.graph.graph().count_online().await.ok(),
        conversations: ConversationCounts { total: direct + groups, direct, groups },
        messages: MessageCounts { total: messages, today: messages_since },
        open_reports: totals.open_reports,
        dead_letters: totals.parked + app.store.count_parked_reactions().await?,
        head_position: app.store.head().await?.position,
        projections: Projection::ALL.map(lag).into(),
    }))
}
