//! What is known only when somebody asks: lags, sizes, connections, and counts that a part keeps anyway.

use broker::{Marks, Waiting};
use config::Role;
use domain::Tier;
use jobs::Reactor;
use metrics::{counter, gauge};
use operations::App;
use projections::LaneLag;
use sql::{Engine, PostgresServer};
use std::time::Duration;
use tokio::time::timeout;

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Sets the metrics of this process that nobody counts as they happen.
pub async fn gather(app: &App) {
    let broker = app.broker.stats();
    for (lane, traffic) in
        [("high", broker.high), ("medium", broker.medium), ("calls", broker.calls), ("low", broker.low)]
    {
        for (what, messages) in traffic.counts() {
            counter!("chatchit_lane_messages_total", "lane" => lane, "what" => what).absolute(messages);
        }
    }
    for Waiting { lane, to, messages } in app.broker.waiting() {
        gauge!("chatchit_lane_waiting_messages", "lane" => lane, "to" => to).set(count(messages));
    }
    counter!("chatchit_dead_letters_total").absolute(broker.dead_letters);
    counter!("chatchit_append_unpublished_total").absolute(app.store.dropped_batches());
    gauge!("chatchit_outbox_bytes").set(app.hub.backlog() as f64);
    let signals = app.hub.signal_counts();
    for (what, number) in [("pushed", signals.pushed), ("shed", signals.shed), ("shed_on_entry", app.signals.shed())] {
        counter!("chatchit_signals_total", "what" => what).absolute(number);
    }

    let graph = app.graph.graph();
    let (is_up, stats, cache) = (graph.health().is_up(), graph.stats(), app.graph.stats());
    counter!("chatchit_graph_commands_total").absolute(stats.commands);
    counter!("chatchit_graph_failures_total").absolute(stats.failed);
    for (what, reads) in [("cache", cache.hits), ("graph", cache.misses)] {
        counter!("chatchit_graph_cache_reads_total", "what" => what).absolute(reads);
    }
    gauge!("chatchit_graph_cache_entries").set(cache.size as f64);
    if let Ok(Ok(online)) = timeout(PATIENCE, graph.count_online()).await {
        gauge!("chatchit_online_users").set(online as f64);
    }
    let engines = [
        ("rabbitmq", app.config.rabbitmq_url.is_some(), app.broker.health().is_up(), broker.reconnections),
        ("redis", app.config.redis_url.is_some(), is_up, stats.reconnections),
    ];
    for (engine, _, is_up, reconnections) in engines.into_iter().filter(|(_, is_used, ..)| *is_used) {
        gauge!("chatchit_engine_up", "engine" => engine).set(f64::from(u8::from(is_up)));
        counter!("chatchit_engine_reconnections_total", "engine" => engine).absolute(reconnections);
    }
    connections("log", app.store.connections());
    connections("read_models", app.queries.connections());
    database(app).await;
    disk(app);
    let parking = app.progress.parking();
    gauge!("chatchit_parked_events").set(parking.parked as f64);
    counter!("chatchit_parked_retries_total").absolute(parking.retried);
    gauge!("chatchit_tasks_down").set(count(app.down().len()));
    gauge!("chatchit_stalled").set(count(app.stalled_parts().len()));
}

/// What the database knows.
async fn database(app: &App) {
    let behind = timeout(PATIENCE, app.progress.behind()).await;
    gauge!("chatchit_engine_up", "engine" => "database").set(f64::from(u8::from(matches!(behind, Ok(Ok(_))))));
    let Ok(Ok(behind)) = behind else { return };
    for (projection, lag) in behind {
        gauge!("chatchit_projection_lag_events", "projection" => projection.name()).set(lag.events as f64);
        gauge!("chatchit_projection_lag_seconds", "projection" => projection.name()).set(lag.age.as_secs_f64());
    }
    if app.config.role != Role::Worker
        && let Ok(Ok(head)) = timeout(PATIENCE, app.store.head()).await
    {
        let Marks { high, medium } = app.hub.marks();
        for (tier, mark) in [(Tier::High, high), (Tier::Medium, medium)] {
            let lag = head.heads.tier(tier).saturating_sub(mark);
            gauge!("chatchit_hub_lag_events", "tier" => tier.as_str()).set(lag as f64);
        }
    }
    if let Ok(Ok(lanes)) = timeout(PATIENCE, app.progress.lanes(1)).await {
        for tier in Tier::DURABLE {
            let of_tier = || lanes.iter().filter(|lane| lane.lane.tier == tier);
            let lag = of_tier().map(|lane| lane.lag).max().unwrap_or_default();
            let oldest = of_tier().map(|lane| age_seconds(app, lane)).fold(0.0, f64::max);
            gauge!("chatchit_lane_lag_events", "tier" => tier.as_str()).set(lag as f64);
            gauge!("chatchit_lane_oldest_seconds", "tier" => tier.as_str()).set(oldest);
        }
    }
    if let Ok(Ok(parked)) = timeout(PATIENCE, app.progress.parked()).await {
        let given_up: u64 = parked.iter().map(|parked| parked.given_up).sum();
        let unreadable: u64 = parked.iter().map(|parked| parked.unreadable).sum();
        gauge!("chatchit_given_up", "what" => "events").set(given_up as f64);
        gauge!("chatchit_unreadable", "what" => "events").set(unreadable as f64);
    }
    if let Ok(Ok(unreadable)) = timeout(PATIENCE, app.store.count_unreadable_reactions()).await {
        gauge!("chatchit_unreadable", "what" => "reactions").set(unreadable as f64);
    }
    if let Ok(Ok(lags)) = timeout(PATIENCE, app.store.reactor_lags(&Reactor::ALL.map(Reactor::name))).await {
        for (reactor, events) in lags {
            gauge!("chatchit_reactor_lag_events", "reactor" => reactor).set(events as f64);
        }
    }
    let database = app.queries.database();
    if database.engine() == Engine::Postgres
        && let Ok(Ok(server)) = timeout(PATIENCE, PostgresServer::ask(database)).await
    {
        gauge!("chatchit_postgres_connections_max").set(server.room() as f64);
    }
}

/// How old the oldest waiting event of a lane is: by the clocks of two processes, if another one appended it.
pub(crate) fn age_seconds(app: &App, lane: &LaneLag) -> f64 {
    let age = lane.oldest.map_or(0, |oldest| (app.clock)().millis().saturating_sub(oldest.millis()));
    age.max(0) as f64 / 1e3
}

/// The file system of the data folder, where something of the server is in it.
fn disk(app: &App) {
    if app.config.database_url.is_some() && app.config.files.bucket.is_some() {
        return;
    }
    if let Ok(disk) = rustix::fs::statvfs(&app.config.data) {
        let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize) as f64;
        gauge!("chatchit_disk_bytes", "what" => "all").set(bytes(disk.f_blocks));
        gauge!("chatchit_disk_bytes", "what" => "free").set(bytes(disk.f_bavail));
    }
}

fn connections(place: &'static str, (open, idle): (usize, usize)) {
    gauge!("chatchit_sql_connections", "place" => place, "state" => "used").set(count(open.saturating_sub(idle)));
    gauge!("chatchit_sql_connections", "place" => place, "state" => "idle").set(count(idle));
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
