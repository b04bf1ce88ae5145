//! The figures of one process: what it publishes, and how rates are measured.

use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};
use telemetry::{Histogram, Reading, SeriesId};
use tokio::time::Instant;

/// What a process publishes. A build that adds a field gives it a default: an older and a newer one read each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Figures {
    /// Over how many seconds rates were measured; 0 at first.
    pub window_seconds: f64,
    /// The series, by name. Counters and histograms in which nothing was counted are left out.
    pub series: Vec<Series>,
    /// The stalled parts, as `/readyz` names them.
    pub stalled: Vec<String>,
}

/// A series of a process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Series {
    /// The metric's name.
    pub name: String,
    /// Its labels, without those that have many values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// A gauge's value; how many a counter or a histogram counted since the start of the process.
    pub value: f64,
    /// Of a counter or a histogram: how many in a second of the window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// Of a histogram: how many of the window are not above each bound, in pairs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recent: Vec<(f64, f64)>,
    /// Of a histogram: the sum of the window's values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recent_sum: Option<f64>,
}

impl Series {
    /// Which series it is.
    #[must_use]
    pub fn id(&self) -> SeriesId {
        SeriesId { name: self.name.clone(), labels: self.labels.clone() }
    }

    /// What a histogram gathered within the window; its count is that of the window's rate.
    #[must_use]
    pub fn recent(&self, window_seconds: f64) -> Option<Histogram> {
        let sum = self.recent_sum?;
        let count = (self.rate.unwrap_or_default() * window_seconds).round();
        Some(Histogram { buckets: self.recent.clone(), count, sum })
    }
}

/// The readings of a process that are not older than a window, the oldest first. Bounded by the window and how often it is
/// read.
#[derive(Debug)]
pub struct Window {
    over: Duration,
    readings: VecDeque<(Instant, BTreeMap<SeriesId, Reading>)>,
}

impl Window {
    /// Without a reading, over this long.
    #[must_use]
    pub const fn new(over: Duration) -> Self {
        Self { over, readings: VecDeque::new() }
    }

    /// Takes the readings of this moment, and answers the figures since the oldest that is kept.
    pub fn take(&mut self, now: Instant, reading: BTreeMap<SeriesId, Reading>, stalled: Vec<String>) -> Figures {
        // One that is older stays for as long as the next is not old enough to measure from.
        while self.readings.get(1).is_some_and(|(at, _)| now.saturating_duration_since(*at) >= self.over) {
            self.readings.pop_front();
        }
        let empty = BTreeMap::new();
        let (then, before) = self.readings.front().map_or((now, &empty), |(at, reading)| (*at, reading));
        let window_seconds = now.saturating_duration_since(then).as_secs_f64();
        let series = reading.iter().filter_map(|(id, now)| series(id, now, before.get(id), window_seconds)).collect();
        self.readings.push_back((now, reading));
        Figures { window_seconds, series, stalled }
    }
}

fn series(id: &SeriesId, now: &Reading, before: Option<&Reading>, seconds: f64) -> Option<Series> {
    let per_second = |more: f64| (seconds > 0.0).then(|| more / seconds);
    let new = Series { name: id.name.clone(), labels: id.labels.clone(), ..Series::default() };
    match now {
        Reading::Gauge(value) => Some(Series { value: *value, ..new }),
        Reading::Counter(total) | Reading::Histogram(Histogram { count: total, .. }) if *total <= 0.0 => None,
        Reading::Counter(total) => {
            let earlier = match before {
                Some(Reading::Counter(earlier)) => *earlier,
                _ => 0.0,
            };
            Some(Series { value: *total, rate: per_second((total - earlier).max(0.0)), ..new })
        }
        Reading::Histogram(all) => {
            let recent = match before {
                Some(Reading::Histogram(earlier)) => all.since(earlier),
                _ => all.clone(),
            };
            let rate = per_second(recent.count);
            let buckets = if recent.count > 0.0 { recent.buckets } else { Vec::new() };
            let recent_sum = rate.map(|_| recent.sum);
            Some(Series { value: all.count, rate, recent: buckets, recent_sum, ..new })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(total: f64, up: f64) -> BTreeMap<SeriesId, Reading> {
        let id = |name: &str| SeriesId { name: name.to_owned(), labels: BTreeMap::new() };
        let took = Histogram { buckets: vec![(0.1, total / 2.0), (1.0, total)], count: total, sum: total };
        BTreeMap::from([
            (id("a_total"), Reading::Counter(total)),
            (id("b_up"), Reading::Gauge(up)),
            (id("c_seconds"), Reading::Histogram(took)),
        ])
    }

    #[test]
    fn rates_are_measured_over_the_window() {
        let (mut window, start) = (Window::new(Duration::from_secs(10)), Instant::now());
        let mut at = |seconds: u64, total: f64| {
            window.take(start + Duration::from_secs(seconds), reading(total, 0.0), Vec::new())
        };
        let first = at(0, 0.0);
        assert_eq!(first.window_seconds, 0.0);
        assert_eq!(first.series.len(), 1, "what counted nothing is left out, and a gauge of 0 is not: {first:?}");
        let second = at(5, 10.0);
        assert_eq!(second.series[0].rate, Some(2.0));
        let recent = second.series[2].recent(second.window_seconds).unwrap();
        assert_eq!((recent.count, recent.quantile(0.5)), (10.0, Some(0.1)));
        at(10, 10.0);
        at(15, 10.0);
        let last = at(20, 30.0);
        assert_eq!((last.window_seconds, last.series[0].rate), (10.0, Some(2.0)));
        // The window, and up to one step of those that were taken each 5 s.
        assert!((0..100).all(|n| at(20 + n, 30.0).window_seconds < 15.0));
        assert!(window.readings.len() <= 13, "{}", window.readings.len());
    }

    #[test]
    fn figures_are_read_back_and_an_unknown_field_is_passed_over() {
        let mut window = Window::new(Duration::from_secs(10));
        let start = Instant::now();
        window.take(start, reading(1.0, 1.0), Vec::new());
        let figures = window.take(start + Duration::from_secs(1), reading(2.0, 1.0), vec!["hub".to_owned()]);
        let mut json = serde_json::to_value(&figures).unwrap();
        json["later"] = serde_json::json!(1);
        assert_eq!(serde_json::from_value::<Figures>(json).unwrap(), figures);
    }
}
