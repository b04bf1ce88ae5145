//! The metrics of this process as numbers: its text for Prometheus, read back and added up over the labels that have many
//! values. So there is one recorder and one catalogue for all readers.

use crate::{CATALOGUE, Kind, Metrics};
use std::collections::BTreeMap;

/// Labels with many values: series that differ in nothing else are added up.
const ADDED_UP: [&str; 3] = ["command", "method", "route"];
/// The most series of a reading; those beyond it, in the order of their names, are left out.
pub const MOST_SERIES: usize = 2_000;

/// Which series of which metric.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeriesId {
    /// The metric's name.
    pub name: String,
    /// Its labels, without those that were added up.
    pub labels: BTreeMap<String, String>,
}

/// What a series says.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// A counter's total since the start.
    Counter(f64),
    /// A gauge's value.
    Gauge(f64),
    /// What a histogram gathered since the start.
    Histogram(Histogram),
}

/// What a histogram gathered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// The upper bound of each bucket and what is not above it; the last bucket, without a bound, is `count`.
    pub buckets: Vec<(f64, f64)>,
    /// How many values.
    pub count: f64,
    /// Their sum.
    pub sum: f64,
}

impl Histogram {
    /// Adds what another one gathered. One with other bounds (of another build) is left out.
    pub fn add(&mut self, other: &Self) {
        if self.buckets.is_empty() && self.count == 0.0 {
            self.clone_from(other);
            return;
        }
        let bounds = |of: &Self| of.buckets.iter().map(|(bound, _)| bound.to_bits()).collect::<Vec<_>>();
        if bounds(self) != bounds(other) {
            return;
        }
        for ((_, count), (_, more)) in self.buckets.iter_mut().zip(&other.buckets) {
            *count += more;
        }
        self.count += other.count;
        self.sum += other.sum;
    }

    /// What was gathered after `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let before = |bound: f64| {
            let found = earlier.buckets.iter().find(|(other, _)| other.to_bits() == bound.to_bits());
            found.map_or(0.0, |(_, count)| *count)
        };
        let buckets = self.buckets.iter().map(|(bound, count)| (*bound, (count - before(*bound)).max(0.0)));
        Self {
            buckets: buckets.collect(),
            count: (self.count - earlier.count).max(0.0),
            sum: (self.sum - earlier.sum).max(0.0),
        }
    }

    /// The value that the share `quantile` of all is not above, interpolated within its bucket; the highest bound for one
    /// beyond it. `None` when nothing was gathered.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Option<f64> {
        if self.count <= 0.0 {
            return None;
        }
        let rank = quantile * self.count;
        let (mut lower, mut below) = (0.0, 0.0);
        for (bound, count) in &self.buckets {
            if *count >= rank && *count > below {
                return Some(lower + (bound - lower) * ((rank - below) / (count - below)));
            }
            (lower, below) = (*bound, *count);
        }
        Some(lower)
    }
}

impl Metrics {
    /// All series as they are now, at most [`MOST_SERIES`].
    #[must_use]
    pub fn read(&self) -> BTreeMap<SeriesId, Reading> {
        read(&self.render())
    }
}

/// The series of a text of this crate's own.
fn read(text: &str) -> BTreeMap<SeriesId, Reading> {
    let mut series = BTreeMap::new();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    for (name, mut labels, value) in lines.filter_map(line) {
        let bound = labels.remove("le");
        let (kind, name, part) = kind_of(&name);
        labels.retain(|label, _| !ADDED_UP.contains(&label.as_str()));
        let id = SeriesId { name: name.to_owned(), labels };
        match kind {
            Kind::Counter => match series.entry(id).or_insert(Reading::Counter(0.0)) {
                Reading::Counter(total) => *total += value,
                Reading::Gauge(_) | Reading::Histogram(_) => (),
            },
            Kind::Gauge => {
                series.insert(id, Reading::Gauge(value));
            }
            Kind::Seconds | Kind::Size => {
                let empty = || Reading::Histogram(Histogram::default());
                if let Reading::Histogram(histogram) = series.entry(id).or_insert_with(empty) {
                    gathered(histogram, part, bound.as_deref(), value);
                }
            }
        }
    }
    while series.len() > MOST_SERIES {
        series.pop_last();
    }
    series
}

/// Adds a line of a histogram to it.
fn gathered(histogram: &mut Histogram, part: &str, bound: Option<&str>, value: f64) {
    match (part, bound.and_then(|bound| bound.parse::<f64>().ok())) {
        ("_sum", _) => histogram.sum += value,
        ("_count", _) => histogram.count += value,
        ("_bucket", Some(bound)) if bound.is_finite() => {
            match histogram.buckets.iter_mut().find(|(other, _)| other.to_bits() == bound.to_bits()) {
                Some((_, count)) => *count += value,
                None => histogram.buckets.push((bound, value)),
            }
        }
        _ => (),
    }
}

/// What a line is of: the metric's kind and name, and which part of a histogram.
fn kind_of(name: &str) -> (Kind, &str, &str) {
    for part in ["_bucket", "_sum", "_count"] {
        let of = name.strip_suffix(part).and_then(|base| CATALOGUE.iter().find(|metric| metric.name == base));
        if let Some(metric) = of.filter(|metric| matches!(metric.kind, Kind::Seconds | Kind::Size)) {
            return (metric.kind, metric.name, part);
        }
    }
    (if name.ends_with("_total") { Kind::Counter } else { Kind::Gauge }, name, "")
}

/// The name, the labels and the value of a line.
fn line(line: &str) -> Option<(String, BTreeMap<String, String>, f64)> {
    let (head, value) = line.rsplit_once(' ')?;
    let value: f64 = value.parse().ok()?;
    let Some((name, rest)) = head.split_once('{') else { return Some((head.to_owned(), BTreeMap::new(), value)) };
    let (mut labels, mut rest) = (BTreeMap::new(), rest.strip_suffix('}')?);
    while let Some((label, quoted)) = rest.split_once("=\"") {
        let (mut text, mut characters) = (String::new(), quoted.char_indices());
        let end = loop {
            match characters.next()? {
                (end, '"') => break end,
                (_, '\\') => match characters.next()?.1 {
                    'n' => text.push('\n'),
                    other => text.push(other),
                },
                (_, other) => text.push(other),
            }
        };
        labels.insert(label.trim_start_matches(',').to_owned(), text);
        rest = &quoted[end + 1..];
    }
    Some((name.to_owned(), labels, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const TEXT: &str = r#"# HELP chatchit_http_requests_total Answered HTTP requests.
# TYPE chatchit_http_requests_total counter
chatchit_http_requests_total{method="GET",route="/a",status="200"} 2
chatchit_http_requests_total{method="GET",route="/b",status="200"} 3
chatchit_http_requests_total{method="GET",route="/b\"\\",status="500"} 1
chatchit_engine_up{engine="redis"} 0
chatchit_command_seconds_bucket{command="a",le="0.1"} 1
chatchit_command_seconds_bucket{command="a",le="0.2"} 3
chatchit_command_seconds_bucket{command="a",le="+Inf"} 4
chatchit_command_seconds_sum{command="a"} 1.5
chatchit_command_seconds_count{command="a"} 4
chatchit_command_seconds_bucket{command="b",le="0.1"} 0
chatchit_command_seconds_bucket{command="b",le="0.2"} 0
chatchit_command_seconds_sum{command="b"} 9
chatchit_command_seconds_count{command="b"} 1
chatchit_process_cpu_seconds_total 1.25
"#;

    fn id(name: &str, labels: &[(&str, &str)]) -> SeriesId {
        let labels = labels.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect();
        SeriesId { name: name.to_owned(), labels }
    }

    #[test]
    fn series_are_read_back_and_added_up_over_labels_with_many_values() {
        let series = read(TEXT);
        let of = |name: &str, labels: &[_]| series.get(&id(name, labels)).unwrap_or_else(|| panic!("{name}"));
        let requests = |status| of("chatchit_http_requests_total", &[("status", status)]);
        assert_eq!((requests("200"), requests("500")), (&Reading::Counter(5.0), &Reading::Counter(1.0)));
        assert_eq!(of("chatchit_engine_up", &[("engine", "redis")]), &Reading::Gauge(0.0));
        assert_eq!(of("chatchit_process_cpu_seconds_total", &[]), &Reading::Counter(1.25));
        let took = Histogram { buckets: vec![(0.1, 1.0), (0.2, 3.0)], count: 5.0, sum: 10.5 };
        assert_eq!(of("chatchit_command_seconds", &[]), &Reading::Histogram(took));
        assert_eq!(series.len(), 5);
    }

    #[test]
    fn a_label_that_is_added_up_means_one_thing() {
        for label in ADDED_UP {
            let labelled = CATALOGUE.iter().filter(|metric| metric.labels.contains(&label));
            let families = labelled.filter_map(|metric| metric.name.split('_').nth(1));
            let families: BTreeSet<_> = families.map(|family| family.trim_end_matches('s')).collect();
            assert_eq!(families.len(), 1, "{label} is of {families:?}");
        }
    }

    #[test]
    fn a_quantile_lies_within_its_bucket() {
        let took = Histogram { buckets: vec![(0.1, 10.0), (0.2, 20.0), (1.0, 20.0)], count: 20.0, sum: 2.0 };
        assert_eq!(took.quantile(0.5), Some(0.1));
        assert!((took.quantile(0.75).unwrap() - 0.15).abs() < 1e-9);
        assert_eq!(took.quantile(1.0), Some(0.2));
        let beyond = Histogram { buckets: vec![(0.1, 0.0), (1.0, 0.0)], count: 3.0, sum: 90.0 };
        assert_eq!(beyond.quantile(0.99), Some(1.0), "the highest bound");
        assert_eq!(Histogram::default().quantile(0.5), None);
    }

    #[test]
    fn what_was_gathered_since_is_a_difference_and_that_of_processes_a_sum() {
        let before = Histogram { buckets: vec![(0.1, 1.0), (0.2, 2.0)], count: 3.0, sum: 1.0 };
        let after = Histogram { buckets: vec![(0.1, 4.0), (0.2, 6.0)], count: 8.0, sum: 3.0 };
        let since = after.since(&before);
        assert_eq!(since, Histogram { buckets: vec![(0.1, 3.0), (0.2, 4.0)], count: 5.0, sum: 2.0 });
        let mut sum = Histogram::default();
        [&before, &since].into_iter().for_each(|part| sum.add(part));
        assert_eq!(sum, after);
        sum.add(&Histogram { buckets: vec![(7.0, 1.0)], count: 1.0, sum: 1.0 });
        assert_eq!(sum, after, "other bounds are of another build");
    }
}
