//! The metrics of this process, and the export of its traces. Each crate counts and times what it does with the macros of the
//! facade `metrics`; here they are named, described, gathered and written as Prometheus reads them.

mod catalogue;
mod export;
mod reading;

pub use catalogue::{CATALOGUE, Kind, Metric};
pub use export::Traces;
pub use metrics_exporter_prometheus::BuildError;
pub use reading::{Histogram, MOST_SERIES, Reading, SeriesId};

use metrics::Unit;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// The upper bounds of the buckets of durations, in seconds: as fine as the targets of the tiers need.
const SECONDS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0];
/// The upper bounds of the buckets of counts.
const COUNTS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 4096.0];
/// How often what histograms have gathered is folded into their buckets when nobody asks.
pub const UPKEEP: Duration = Duration::from_secs(5);

/// The metrics of this process. There is one set per process, however many servers run in it.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
    process: Collector,
}

static INSTALLED: Mutex<Option<Metrics>> = Mutex::new(None);

impl Metrics {
    /// Gathers from now on, unless it does already.
    ///
    /// # Errors
    /// Another recorder was installed in this process.
    pub fn install() -> Result<Self, BuildError> {
        // Held throughout, so that of two servers that start at once neither finds the other's recorder without its handle.
        let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(metrics) = &*installed {
            return Ok(metrics.clone());
        }
        let buckets = |suffix: &str| Matcher::Suffix(suffix.to_owned());
        let handle = PrometheusBuilder::new()
            .set_buckets_for_metric(buckets("_seconds"), SECONDS)?
            .set_buckets_for_metric(buckets("_size"), COUNTS)?
            .install_recorder()?;
        let metrics = Self { handle, process: Collector::new("chatchit_") };
        describe();
        metrics.process.describe();
        Ok(installed.insert(metrics).clone())
    }

    /// All metrics in the text format of Prometheus.
    #[must_use]
    pub fn render(&self) -> String {
        self.process.collect();
        self.handle.render()
    }

    /// Folds what histograms have gathered into their buckets. Without it, what nobody asks for would pile up.
    pub fn keep(&self) {
        self.handle.run_upkeep();
    }
}

fn describe() {
    for Metric { name, kind, help, .. } in CATALOGUE {
        match kind {
            Kind::Counter => metrics::describe_counter!(*name, *help),
            Kind::Gauge => metrics::describe_gauge!(*name, *help),
            Kind::Seconds => metrics::describe_histogram!(*name, Unit::Seconds, *help),
            Kind::Size => metrics::describe_histogram!(*name, *help),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn what_is_counted_is_described_in_the_text_for_prometheus() {
        let others = [(); 8].map(|()| thread::spawn(|| Metrics::install().is_ok()));
        let metrics = Metrics::install().unwrap();
        assert!(others.into_iter().all(|other| other.join().unwrap()), "the servers of a process share them");
        metrics::counter!("chatchit_append_events_total").increment(2);
        metrics::histogram!("chatchit_append_commit_seconds").record(0.003);
        metrics.keep();
        let text = metrics.render();
        for line in [
            "# TYPE chatchit_append_events_total counter",
            "chatchit_append_events_total 2",
            "chatchit_append_commit_seconds_bucket{le=\"0.005\"} 1",
            "# TYPE chatchit_process_resident_memory_bytes gauge",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }

    #[test]
    fn names_follow_the_convention() {
        for Metric { name, kind, help, labels } in CATALOGUE {
            let ends = match kind {
                Kind::Counter => name.ends_with("_total"),
                Kind::Seconds => name.ends_with("_seconds"),
                Kind::Size => name.ends_with("_size"),
                Kind::Gauge => !name.ends_with("_total"),
            };
            assert!(ends && name.starts_with("chatchit_"), "{name}");
            assert!(help.ends_with('.') && !labels.iter().any(|label| label.ends_with("id")), "{name}: {help}");
        }
    }
}
