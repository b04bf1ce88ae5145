//! Whether the server is alive, and whether it can serve.

use crate::{App, Problem};
use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// How the server is.
#[derive(Serialize, ToSchema)]
struct Health {
    /// `ok`, or `degraded`: all works, some of it slower or within one node.
    status: &'static str,
    /// The engines that are away: `rabbitmq`, `redis`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    away: Vec<&'static str>,
    /// Said when a newer version of the server wrote events that this process cannot read: upgrade it.
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<&'static str>,
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

    fn of(away: Vec<&'static str>) -> Json<Self> {
        Json(Self { status: if away.is_empty() { "ok" } else { "degraded" }, away, unreadable: None })
    }
}

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(livez)).routes(routes!(readyz))
}

/// Whether the process is alive.
#[utoipa::path(get, path = "/livez", tag = "monitoring", security(()), responses((status = 200, body = Health)))]
async fn livez() -> Json<Health> {
    Health::of(Vec::new())
}

/// Whether the server can serve: the log and the read models answer. Without RabbitMQ or Redis it can.
#[utoipa::path(get, path = "/readyz", tag = "monitoring", security(()), responses((status = 200, body = Health)))]
async fn readyz(State(app): State<App>) -> Result<Json<Health>, Problem> {
    let log = async { app.store.head().await.map_err(|error| error.to_string()) };
    let read_models = async { app.progress.lag().await.map_err(|error| error.to_string()) };
    match futures_util::future::try_join(log, read_models).await {
        Ok(_) => {
            let engines = [("rabbitmq", app.broker.health().is_up()), ("redis", app.graph.graph().health().is_up())];
            let Json(health) = Health::of(engines.into_iter().filter(|(_, up)| !up).map(|(name, _)| name).collect());
            let unreadable = app.hub.unreadable().is_some() || app.progress.parking().unreadable > 0;
            Ok(Json(health.having_met(unreadable)))
        }
        Err(cause) => {
            tracing::warn!(error.cause = cause, "the server is not ready");
            Err(Problem::unavailable("not_ready", "the server is not ready", 2))
        }
    }
}
