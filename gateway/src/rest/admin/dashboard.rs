//! How the server fares.

use crate::{
    App, Problem,
    resource::{AccountCounts, ConversationCounts, Dashboard, MessageCounts, ProjectionLag},
    rest::request::{AsAdmin, Reader},
};
use axum::{Json, extract::State};
use domain::Timestamp;
use projections::{Projection, queries::Counts};
use utoipa_axum::{router::OpenApiRouter, routes};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(dashboard))
}

/// How much there is of everything, and how far the read models have come.
#[utoipa::path(get, path = "/admin/dashboard", tag = "admin", responses((status = 200, body = Dashboard)))]
async fn dashboard(State(app): State<App>, _: AsAdmin<Reader>) -> Result<Json<Dashboard>, Problem> {
    let at = (app.clock)();
    let midnight = Timestamp::from_millis(at.millis().div_euclid(DAY_MS) * DAY_MS);
    let counts = app.queries.counts(midnight).await?;
    let lags = app.upkeep.lags(&app.progress).await?;
    let Counts { accounts, blocked, moderators, admins, direct, groups, messages, messages_since, .. } = counts;
    let lag = |projection: Projection| ProjectionLag {
        name: projection.name(),
        lag: lags.get(&projection).copied().unwrap_or_default(),
    };
    Ok(Json(Dashboard {
        at,
        accounts: AccountCounts { total: accounts, blocked, moderators, admins },
        online: app.graph.graph().count_here().await.ok(),
        conversations: ConversationCounts { total: direct + groups, direct, groups },
        messages: MessageCounts { total: messages, today: messages_since },
        open_reports: counts.open_reports,
        dead_letters: counts.parked + app.store.count_parked_reactions().await?,
        head_position: app.store.head().await?.position,
        projections: Projection::ALL.map(lag).into(),
    }))
}
