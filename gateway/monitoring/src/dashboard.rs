//! What the dashboard shows.

use crate::{Health, Installation, Process, health::failures, installation::Latency};
use domain::{EventType, Tier, Timestamp};
use protocol::Alert;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// How the installation fares. Rates and latencies are those of the last minute.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PerformanceDashboard)]
pub struct Dashboard {
    /// When it was answered.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// How well it fares.
    pub health: Health,
    /// The processes; those that are not `current` are not counted in the rest.
    pub processes: Vec<ProcessState>,
    /// How much happens in a second.
    pub per_second: Rates,
    /// How long things took, in seconds.
    pub latency: Vec<TierLatency>,
    /// How far the read models are behind, by tier.
    pub lanes: Vec<TierLag>,
    /// Events that read models lack, by read model.
    pub projections: BTreeMap<String, f64>,
    /// Open sockets by door.
    pub sockets: BTreeMap<String, f64>,
    /// People who are online, as far as one process can tell; `null` when none can.
    pub online: Option<f64>,
    /// Engines: the database always, RabbitMQ and Redis if they are used.
    pub engines: Vec<EngineState>,
    /// Parts that do not move, as `/readyz` names them.
    pub stalled: Vec<String>,
    /// The alerts in force.
    pub alerts: Vec<Alert>,
}

/// A process, and how old its figures are.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProcessState {
    /// New at each start.
    pub process: Uuid,
    /// Its host and port.
    pub instance: String,
    /// `all`, `gateway` or `worker`.
    pub role: String,
    /// The version of the program.
    pub build: String,
    /// When it began to publish.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// How old its figures are, in seconds by the database's clock.
    pub age_seconds: f64,
    /// Whether they are counted: figures of 20 s are not.
    pub current: bool,
    /// Its memory.
    pub memory_bytes: Option<f64>,
    /// How many processors it keeps busy.
    pub cpu: Option<f64>,
}

impl ProcessState {
    pub(crate) fn of(process: &Process, installation: &Installation) -> Self {
        let series = |name: &str| process.figures.series.iter().find(|series| series.name == name);
        Self {
            process: process.process,
            instance: process.instance.clone(),
            role: process.role.clone(),
            build: process.build.clone(),
            started_at: Timestamp::from_millis(process.started_at),
            age_seconds: process.age_millis as f64 / 1e3,
            current: installation.is_current(process),
            memory_bytes: series("chatchit_process_resident_memory_bytes").map(|series| series.value),
            cpu: series("chatchit_process_cpu_seconds_total").and_then(|series| series.rate),
        }
    }
}

/// How much happens in a second.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rates {
    /// Messages sent.
    pub messages: f64,
    /// Calls that began to ring.
    pub calls: f64,
    /// Signals that somebody types, or has stopped.
    pub typing: f64,
    /// Events of all kinds.
    pub events: f64,
    /// Commands at all doors, refused ones included.
    pub commands: f64,
    /// Answered HTTP requests.
    pub http_requests: f64,
    /// Of these, those that failed with 5xx.
    pub http_failures: f64,
    /// Events pushed, once for each gateway.
    pub pushes: f64,
    /// Signals of all kinds.
    pub signals: f64,
}

/// How long things took in a tier.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TierLatency {
    /// `high` or `medium`.
    pub tier: &'static str,
    /// What 99 of a hundred shall not exceed, in seconds.
    pub target: f64,
    /// From a decided command to its place in the log; `null` when there was none.
    pub append: Option<Latency>,
    /// From the record of an event to its push to the sockets of a gateway; `null` when there was none.
    pub push: Option<Latency>,
}

/// How far the read models are behind in a tier.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TierLag {
    /// `high` or `medium`.
    pub tier: &'static str,
    /// Events of all tiers from the oldest that a read model lacks to the head of the log.
    pub lag_events: f64,
    /// The age of that oldest one, in seconds; 0 if none is lacking.
    pub oldest_seconds: f64,
}

/// An engine.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EngineState {
    /// `database`, `rabbitmq` or `redis`.
    pub engine: String,
    /// Whether all processes reach it.
    pub up: bool,
    /// The processes that do not.
    pub missing_in: Vec<String>,
}

/// What 99 of a hundred commands and pushes of a tier shall not exceed, in seconds.
pub(crate) const fn target(tier: Tier) -> f64 {
    match tier {
        Tier::High => 0.1,
        Tier::Medium => 0.5,
        Tier::Low => 2.0,
    }
}

impl Dashboard {
    /// Of these processes, with these alerts in force.
    #[must_use]
    pub fn of(installation: &Installation, alerts: Vec<Alert>, at: Timestamp) -> Self {
        Self {
            at,
            health: Health::of(installation, &alerts),
            processes: installation.states(),
            per_second: rates(installation),
            latency: Tier::DURABLE.map(|tier| latency(installation, tier)).into(),
            lanes: Tier::DURABLE.map(|tier| lag(installation, tier)).into(),
            projections: installation.by("chatchit_projection_lag_events", "projection"),
            sockets: installation.by("chatchit_sockets_open", "door"),
            online: installation.value("chatchit_online_users", &[]),
            engines: engines(installation),
            stalled: stalled(installation),
            alerts,
        }
    }
}

fn rates(of: &Installation) -> Rates {
    let events = |kind: &EventType| of.rate("chatchit_events_total", &[("type", kind.name)]);
    Rates {
        messages: events(const { EventType::named("message.sent") }),
        calls: events(const { EventType::named("call.ringing") }),
        typing: of.rate("chatchit_signals_sent_total", &[("name", "typing")]),
        events: of.rate("chatchit_append_events_total", &[]),
        commands: of.rate("chatchit_commands_total", &[]),
        http_requests: of.rate("chatchit_http_requests_total", &[]),
        http_failures: failures(of),
        pushes: of.rate("chatchit_push_seconds", &[]),
        signals: of.rate("chatchit_signals_sent_total", &[]),
    }
}

fn latency(of: &Installation, tier: Tier) -> TierLatency {
    let tier_is = [("tier", tier.as_str())];
    TierLatency {
        tier: tier.as_str(),
        target: target(tier),
        append: of.latency("chatchit_append_seconds", &tier_is),
        push: of.latency("chatchit_push_seconds", &tier_is),
    }
}

fn lag(of: &Installation, tier: Tier) -> TierLag {
    let value = |name| of.value(name, &[("tier", tier.as_str())]).unwrap_or_default();
    TierLag {
        tier: tier.as_str(),
        lag_events: value("chatchit_lane_lag_events"),
        oldest_seconds: value("chatchit_lane_oldest_seconds"),
    }
}

/// The engines, each with the processes that do not reach it.
pub(crate) fn engines(of: &Installation) -> Vec<EngineState> {
    let names = of.by("chatchit_engine_up", "engine").into_keys();
    let misses = |process: &&Process, engine: &str| {
        let mut known = process.figures.series.iter().filter(|series| series.name == "chatchit_engine_up");
        known.any(|series| series.value < 1.0 && series.labels.get("engine").is_some_and(|name| name == engine))
    };
    let state = |engine: String| {
        let missing = of.current().filter(|process| misses(process, &engine));
        let missing_in: Vec<_> = missing.map(|process| process.instance.clone()).collect();
        EngineState { up: missing_in.is_empty(), missing_in, engine }
    };
    names.map(state).collect()
}

/// The stalled parts of all processes, each once.
pub(crate) fn stalled(of: &Installation) -> Vec<String> {
    let mut names: Vec<_> = of.current().flat_map(|process| process.figures.stalled.iter().cloned()).collect();
    names.sort();
    names.dedup();
    names
}
