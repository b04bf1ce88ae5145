//! What lanes and caches do, in all processes, for administrators.

use super::request::{AsAdmin, Reader};
use crate::HttpApp;
use axum::{Json, extract::State};
use monitoring::{Installation, ProcessState, QueueFigures};
use protocol::Problem;
use realtime::hub::SignalCounts;
use serde::Serialize;
use std::time::Duration;
use tokio::time::timeout;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The metric of the caches' reads.
const READS: &str = "chatchit_graph_cache_reads_total";
/// How long Redis may take to answer.
const REDIS_PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn routes() -> OpenApiRouter<HttpApp> {
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
    /// What they hold, in all processes.
    #[serde(flatten)]
    figures: QueueFigures,
    /// Counted by this process since it started: per tier what was published, confirmed, received, dropped and so on.
    #[schema(value_type = Object)]
    counts: broker::Stats,
    /// What became of signals at the sockets of this process.
    signals: SignalCounts,
    /// Signals that this process shed on their way in, because urgent commands were slow.
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
    /// What Redis says of itself; `null` without Redis, and while it is away.
    #[schema(value_type = Option<Object>)]
    redis: Option<graph::RedisInfo>,
    /// The caches of relations of all processes.
    all: CachesOfAll,
    /// What this process asked of the engine since it started.
    #[schema(value_type = Object)]
    counts: graph::Stats,
    /// Hits, misses and size of this process's cache of relations.
    #[schema(value_type = Object)]
    cache: graph::CacheStats,
    /// The processes, and how old their figures are.
    processes: Vec<ProcessState>,
}

/// The caches of relations of all processes.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CachesOfAll {
    /// Reads that they answered, since the starts of the processes.
    hits: f64,
    /// Reads that went to the graph.
    misses: f64,
    /// Reads that they answered, in a second of the last minute.
    hits_per_second: f64,
    /// Reads that went to the graph, in a second of the last minute.
    misses_per_second: f64,
    /// Entries.
    size: f64,
}

impl CachesOfAll {
    fn of(all: &Installation) -> Self {
        let reads = |what| all.value(READS, &[("what", what)]).unwrap_or_default();
        let rate = |what| all.rate(READS, &[("what", what)]);
        Self {
            hits: reads("cache"),
            misses: reads("graph"),
            hits_per_second: rate("cache"),
            misses_per_second: rate("graph"),
            size: all.value("chatchit_graph_cache_entries", &[]).unwrap_or_default(),
        }
    }
}

/// What the lanes hold, by tier and partition, and what this process sent over them.
#[utoipa::path(
    get, path = "/chat/queue/stats", operation_id = "getQueueStats", tag = "monitoring",
    responses((status = 200, body = QueueStats))
)]
async fn queues(State(app): State<HttpApp>, _: AsAdmin<Reader>) -> Result<Json<QueueStats>, Problem> {
    Ok(Json(QueueStats {
        engine: if app.config.rabbitmq_url.is_some() { "rabbitmq" } else { "in-process" },
        up: app.broker.health().is_up(),
        figures: app.monitoring.queues(&app.app).await?,
        counts: app.broker.stats(),
        signals: app.hub.signal_counts(),
        signals_shed_on_entry: app.signals.shed(),
    }))
}

/// What the processes remember of the graph, and what Redis says of itself.
#[utoipa::path(
    get, path = "/chat/cache/stats", operation_id = "getCacheStats", tag = "monitoring",
    responses((status = 200, body = CacheStats))
)]
async fn caches(State(app): State<HttpApp>, _: AsAdmin<Reader>) -> Result<Json<CacheStats>, Problem> {
    let installation = app.monitoring.installation(&app.app).await?;
    let graph = app.graph.graph();
    let redis = timeout(REDIS_PATIENCE, graph.info()).await.ok().and_then(Result::ok).flatten();
    Ok(Json(CacheStats {
        engine: if app.config.redis_url.is_some() { "redis" } else { "memory" },
        up: graph.health().is_up(),
        redis,
        all: CachesOfAll::of(&installation),
        counts: graph.stats(),
        cache: app.graph.stats(),
        processes: installation.states(),
    }))
}
