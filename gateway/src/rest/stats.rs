//! What the engines behind this process do, for administrators.

use super::request::Admin;
use crate::{App, hub::SignalCounts};
use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(queues)).routes(routes!(caches))
}

/// What the lanes carry.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct QueueStats {
    /// `rabbitmq` or `in-process`.
    engine: &'static str,
    /// Whether they reach other processes now.
    up: bool,
    /// Counted since this process started: per tier what was published, confirmed, received, dropped and so on.
    #[schema(value_type = Object)]
    counts: broker::Stats,
    /// What became of signals at the sockets of this process.
    signals: SignalCounts,
    /// Signals that were shed on their way in, because urgent commands were slow.
    signals_shed_on_entry: u64,
}

/// What is remembered of the graph.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CacheStats {
    /// `redis` or `memory`.
    engine: &'static str,
    /// Whether it answers now.
    up: bool,
    /// What was asked of the engine since this process started.
    #[schema(value_type = Object)]
    counts: graph::Stats,
    /// Hits, misses and size of this process's cache of relations.
    #[schema(value_type = Object)]
    cache: graph::CacheStats,
}

/// What the lanes of this process carry.
#[utoipa::path(get, path = "/chat/queue/stats", tag = "monitoring", responses((status = 200, body = QueueStats)))]
async fn queues(State(app): State<App>, _: Admin) -> Json<QueueStats> {
    Json(QueueStats {
        engine: if app.config.rabbitmq_url.is_some() { "rabbitmq" } else { "in-process" },
        up: app.broker.health().is_up(),
        counts: app.broker.stats(),
        signals: app.hub.signal_counts(),
        signals_shed_on_entry: app.signals.shed(),
    })
}

/// What this process remembers of the graph.
#[utoipa::path(get, path = "/chat/cache/stats", tag = "monitoring", responses((status = 200, body = CacheStats)))]
async fn caches(State(app): State<App>, _: Admin) -> Json<CacheStats> {
    Json(CacheStats {
        engine: if app.config.redis_url.is_some() { "redis" } else { "memory" },
        up: app.graph.graph().health().is_up(),
        counts: app.graph.graph().stats(),
        cache: app.graph.stats(),
    })
}
