//! Whether the server is alive, and whether it can serve.

use super::all_counted;
use crate::HttpApp;
use axum::{Json, extract::State};
use limits::Kind;
use operations::App;
use protocol::Problem;
use serde::Serialize;
use std::time::Duration;
use tokio::time::timeout;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// How the server is.
#[derive(Serialize, ToSchema)]
struct Health {
    /// `ok`, or `degraded`: commands are taken, but something is slower, within one node, or stalled.
    status: &'static str,
    /// The engines that are away: `rabbitmq`, `redis`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    away: Vec<&'static str>,
    /// Said when a newer version of the server wrote events that this process cannot read: upgrade it.
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<&'static str>,
    /// What is stalled: `log` that does not take a command, `read_models:<projection>` that is behind the log and does
    /// not move, `partition:<number>` that no worker has, `hub` (the feed of this server's sockets), `task:<name>` that
    /// died and is being begun again, `look` when it is unknown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    standing: Vec<String>,
}

impl Health {
    /// Says whether this process met events that it cannot read.
    fn having_met(mut self, unreadable: bool) -> Self {
        if unreadable {
            self.status = "degraded";
            self.unreadable = Some("a newer version wrote events that this one cannot read");
        }
        self
    }

    fn of(away: Vec<&'static str>, standing: Vec<String>) -> Json<Self> {
        let is_well = away.is_empty() && standing.is_empty();
        Json(Self { status: if is_well { "ok" } else { "degraded" }, away, unreadable: None, standing })
    }
}

/// How long the log may take to answer.
const DATABASE_PATIENCE: Duration = Duration::from_secs(3);

pub(super) fn routes() -> OpenApiRouter<HttpApp> {
    all_counted(Kind::Public, OpenApiRouter::new().routes(routes!(livez)).routes(routes!(readyz)))
}

/// Whether the process is alive.
#[utoipa::path(
    get, path = "/livez", operation_id = "getLiveness", tag = "monitoring",
    security(()), responses((status = 200, body = Health))
)]
async fn livez() -> Json<Health> {
    Health::of(Vec::new(), Vec::new())
}

/// Whether the server can serve: the log and the read models answer. Without RabbitMQ or Redis it can. `degraded` while
/// something is stalled, such as read models behind the log.
#[utoipa::path(
    get, path = "/readyz", operation_id = "getReadiness", tag = "monitoring",
    security(()), responses((status = 200, body = Health))
)]
async fn readyz(State(app): State<App>) -> Result<Json<Health>, Problem> {
    readiness(&app).await
}

/// In a word: `ok`, `degraded` or `unavailable`.
pub(super) async fn state(app: &App) -> &'static str {
    readiness(app).await.map_or("unavailable", |Json(health)| health.status)
}

async fn readiness(app: &App) -> Result<Json<Health>, Problem> {
    let log = async { app.store.head().await.map_err(|error| error.to_string()) };
    let read_models = async { app.queries.answer().await.map_err(|error| error.to_string()) };
    let asked = timeout(DATABASE_PATIENCE, futures_util::future::try_join(log, read_models)).await;
    match asked.unwrap_or_else(|_| Err("no answer".to_owned())) {
        Ok(_) => {
            let engines = [("rabbitmq", app.broker.health().is_up()), ("redis", app.graph.graph().health().is_up())];
            let away = engines.into_iter().filter(|(_, up)| !up).map(|(name, _)| name).collect();
            let Json(health) = Health::of(away, app.stalled_parts());
            let unreadable = app.hub.unreadable().is_some() || app.progress.parking().unreadable > 0;
            Ok(Json(health.having_met(unreadable)))
        }
        Err(cause) => {
            tracing::warn!(error.cause = cause, "the server is not ready");
            Err(Problem::unavailable("not_ready", "the server is not ready", 2))
        }
    }
}
