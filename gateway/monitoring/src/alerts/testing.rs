//! Figures for tests.

use crate::{Figures, Process, Series};
use uuid::Uuid;

/// A series.
pub(crate) fn series(name: &str, labels: &[(&str, &str)], value: f64, rate: Option<f64>) -> Series {
    let labels = labels.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect();
    Series { name: name.to_owned(), labels, value, rate, ..Series::default() }
}

/// A process whose figures of ten seconds are this old, in milliseconds.
pub(crate) fn process(n: u128, age_millis: i64, series: Vec<Series>) -> Process {
    Process {
        process: Uuid::from_u128(n),
        instance: format!("host-{n}:80"),
        role: "all".to_owned(),
        build: "1".to_owned(),
        started_at: 0,
        age_millis,
        figures: Figures { window_seconds: 10.0, series, stalled: Vec::new() },
    }
}
