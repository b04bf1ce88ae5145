//! All processes together: their figures summed, those of silent processes left out.

use crate::{Process, Series, dashboard::ProcessState};
use serde::Serialize;
use std::{collections::BTreeMap, time::Duration};
use telemetry::{Histogram, SeriesId};
use utoipa::ToSchema;

/// Gauges that every process reads of the same thing: the highest counts.
const HIGHEST: &[&str] = &[
    "chatchit_build_info",
    "chatchit_given_up",
    "chatchit_job_failed_rounds",
    "chatchit_job_lag_seconds",
    "chatchit_lane_lag_events",
    "chatchit_lane_oldest_seconds",
    "chatchit_online_users",
    "chatchit_parked_events",
    "chatchit_postgres_connections_max",
    "chatchit_process_start_time_seconds",
    "chatchit_projection_lag_events",
    "chatchit_projection_lag_seconds",
    "chatchit_reactor_lag_events",
    "chatchit_stalled",
    "chatchit_unreadable",
];
/// Gauges of which the lowest counts.
const LOWEST: &[&str] = &["chatchit_engine_up"];

/// The processes and the sums of their figures.
#[derive(Clone, Debug)]
pub struct Installation {
    /// All of them, silent ones included, the oldest first.
    pub processes: Vec<Process>,
    /// Figures that are older are not counted, in milliseconds.
    fresh_millis: i64,
    /// The sums over the others.
    pub sums: BTreeMap<SeriesId, Sum>,
}

/// A series summed over the processes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sum {
    /// Of a gauge its value; of a counter or a histogram how many since the starts of the processes.
    pub value: f64,
    /// Of a counter or a histogram: how many a second.
    pub rate: Option<f64>,
    /// What a histogram gathered within the window.
    pub recent: Option<Histogram>,
}

/// How long something took within the window, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    /// How often it was measured.
    pub count: f64,
    /// The median.
    pub p50: f64,
    /// What 95 of a hundred do not exceed.
    pub p95: f64,
    /// What 99 of a hundred do not exceed.
    pub p99: f64,
}

impl Latency {
    /// Of a histogram; `None` when nothing was measured.
    pub(crate) fn of(recent: &Histogram) -> Option<Self> {
        let at = |quantile| recent.quantile(quantile);
        Some(Self { count: recent.count, p50: at(0.5)?, p95: at(0.95)?, p99: at(0.99)? })
    }
}

impl Installation {
    /// The processes; figures older than `fresh` are not counted.
    #[must_use]
    pub fn new(processes: Vec<Process>, fresh: Duration) -> Self {
        let fresh_millis = i64::try_from(fresh.as_millis()).unwrap_or(i64::MAX);
        let mut sums = BTreeMap::new();
        for process in processes.iter().filter(|process| process.age_millis <= fresh_millis) {
            for series in &process.figures.series {
                add(&mut sums, series, process.figures.window_seconds);
            }
        }
        Self { processes, fresh_millis, sums }
    }

    /// Whether the figures of a process are counted.
    #[must_use]
    pub const fn is_current(&self, process: &Process) -> bool {
        process.age_millis <= self.fresh_millis
    }

    /// The processes whose figures are counted.
    pub fn current(&self) -> impl Iterator<Item = &Process> {
        self.processes.iter().filter(|process| self.is_current(process))
    }

    /// The processes, and how old their figures are.
    #[must_use]
    pub fn states(&self) -> Vec<ProcessState> {
        self.processes.iter().map(|process| ProcessState::of(process, self)).collect()
    }

    /// How many publications a process has missed: 1 when it is about to publish.
    pub(crate) fn missed(&self, process: &Process) -> f64 {
        4.0 * process.age_millis as f64 / self.fresh_millis.max(1) as f64
    }

    /// The series of a metric whose labels have these values.
    fn of<'a>(&'a self, name: &'a str, labels: &'a [(&str, &str)]) -> impl Iterator<Item = (&'a SeriesId, &'a Sum)> {
        let fits = move |id: &SeriesId| {
            labels.iter().all(|(label, value)| id.labels.get(*label).is_some_and(|known| known == value))
        };
        self.sums.iter().filter(move |(id, _)| id.name == name && fits(id))
    }

    /// How many a second.
    #[must_use]
    pub fn rate(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.of(name, labels).filter_map(|(_, sum)| sum.rate).sum()
    }

    /// How many since the starts of the processes, or the sum of gauges.
    #[must_use]
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        self.of(name, labels).map(|(_, sum)| sum.value).reduce(|one, other| one + other)
    }

    /// The values of a metric by one of its labels.
    #[must_use]
    pub fn by(&self, name: &str, label: &str) -> BTreeMap<String, f64> {
        self.of(name, &[]).filter_map(|(id, sum)| Some((id.labels.get(label)?.clone(), sum.value))).collect()
    }

    /// How long something took within the window.
    #[must_use]
    pub fn latency(&self, name: &str, labels: &[(&str, &str)]) -> Option<Latency> {
        let mut all = Histogram::default();
        self.of(name, labels).filter_map(|(_, sum)| sum.recent.as_ref()).for_each(|recent| all.add(recent));
        Latency::of(&all)
    }
}

fn add(sums: &mut BTreeMap<SeriesId, Sum>, series: &Series, window_seconds: f64) {
    let recent = series.recent(window_seconds);
    let Some(sum) = sums.get_mut(&series.id()) else {
        sums.insert(series.id(), Sum { value: series.value, rate: series.rate, recent });
        return;
    };
    sum.value = match series.name.as_str() {
        name if HIGHEST.contains(&name) => sum.value.max(series.value),
        name if LOWEST.contains(&name) => sum.value.min(series.value),
        _ => sum.value + series.value,
    };
    if let Some(rate) = series.rate {
        *sum.rate.get_or_insert(0.0) += rate;
    }
    if let Some(recent) = recent {
        sum.recent.get_or_insert_default().add(&recent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::testing::{process, series};

    #[test]
    fn counters_add_up_states_do_not_and_silent_processes_do_not_count() {
        let of = |total: f64, up: f64| {
            vec![
                series("chatchit_append_events_total", &[], total, Some(total / 10.0)),
                series("chatchit_engine_up", &[("engine", "redis")], up, None),
                series("chatchit_projection_lag_events", &[("projection", "users")], total, None),
                series("chatchit_sockets_open", &[("door", "ws")], total, None),
            ]
        };
        let processes = vec![process(1, 0, of(10.0, 1.0)), process(2, 20_000, of(30.0, 0.0))];
        let mut both = Installation::new(processes.clone(), Duration::from_secs(20));
        assert_eq!(both.value("chatchit_append_events_total", &[]), Some(40.0));
        assert_eq!(both.rate("chatchit_append_events_total", &[]), 4.0);
        assert_eq!(both.by("chatchit_engine_up", "engine")["redis"], 0.0, "one process does not reach it");
        assert_eq!(both.value("chatchit_projection_lag_events", &[("projection", "users")]), Some(30.0));
        assert_eq!(both.value("chatchit_sockets_open", &[("door", "ws")]), Some(40.0));
        both = Installation::new(processes, Duration::from_secs(19));
        assert_eq!((both.value("chatchit_append_events_total", &[]), both.current().count()), (Some(10.0), 1));
        assert_eq!(both.value("chatchit_nothing", &[]), None);
    }

    #[test]
    fn latencies_are_those_of_all_processes() {
        let took = |count: f64, fast: f64| Series {
            name: "chatchit_append_seconds".to_owned(),
            labels: BTreeMap::from([("tier".to_owned(), "high".to_owned())]),
            value: count,
            rate: Some(count / 10.0),
            recent: vec![(0.1, fast), (1.0, count)],
            recent_sum: Some(1.0),
        };
        let processes = vec![process(1, 0, vec![took(50.0, 50.0)]), process(2, 0, vec![took(50.0, 0.0)])];
        let all = Installation::new(processes, Duration::from_secs(20));
        let latency = all.latency("chatchit_append_seconds", &[("tier", "high")]).unwrap();
        assert_eq!((latency.count, latency.p50), (100.0, 0.1));
        assert!((latency.p95 - 0.91).abs() < 1e-9, "{latency:?}");
        assert_eq!(all.latency("chatchit_append_seconds", &[("tier", "medium")]), None);
    }
}
