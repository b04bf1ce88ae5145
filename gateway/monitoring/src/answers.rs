//! Every series, summed and of each process.

use crate::{Installation, Series, dashboard::ProcessState, installation::Latency};
use domain::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The metrics of all processes.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetricsOfAll {
    /// When it was answered.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Summed over the current processes.
    pub items: Vec<SeriesOfAll>,
    /// Each process by itself.
    pub processes: Vec<SeriesOfProcess>,
}

/// The series of one process.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SeriesOfProcess {
    /// Which process, and how old its figures are.
    pub process: ProcessState,
    /// Its series.
    pub items: Vec<SeriesOfAll>,
}

/// A series. `docs/metrics.md` says what each counts; those that differ only in route, method or command are summed.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SeriesOfAll {
    /// The metric's name.
    pub name: String,
    /// The labels.
    pub labels: BTreeMap<String, String>,
    /// A gauge's value; how many a counter or a histogram counted.
    pub value: f64,
    /// Of a counter or a histogram: how many in a second of the last minute; `null` for gauges.
    pub per_second: Option<f64>,
    /// Of a histogram: how its values of the last minute spread; else, and when there were none, `null`.
    pub spread: Option<Latency>,
}

impl MetricsOfAll {
    /// Of these processes.
    #[must_use]
    pub fn of(installation: &Installation, at: Timestamp) -> Self {
        let items = installation.sums.iter().map(|(id, sum)| SeriesOfAll {
            name: id.name.clone(),
            labels: id.labels.clone(),
            value: sum.value,
            per_second: sum.rate,
            spread: sum.recent.as_ref().and_then(Latency::of),
        });
        let processes = installation.processes.iter().map(|process| {
            let window = process.figures.window_seconds;
            SeriesOfProcess {
                process: ProcessState::of(process, installation),
                items: process.figures.series.iter().map(|series| of_one(series, window)).collect(),
            }
        });
        Self { at, items: items.collect(), processes: processes.collect() }
    }
}

fn of_one(series: &Series, window_seconds: f64) -> SeriesOfAll {
    SeriesOfAll {
        name: series.name.clone(),
        labels: series.labels.clone(),
        value: series.value,
        per_second: series.rate,
        spread: series.recent(window_seconds).as_ref().and_then(Latency::of),
    }
}
