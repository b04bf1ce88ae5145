//! Quantiles of measured times.

use serde::Serialize;
use std::time::Duration;

/// Quantiles of times, in milliseconds, by nearest rank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Quantiles {
    pub(crate) count: usize,
    pub(crate) p50: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
    /// Of a thousand, 999 took at most so long.
    pub(crate) p999: f64,
    pub(crate) max: f64,
}

impl Quantiles {
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let rank = |permille: usize| {
            let rank = (times.len() * permille).div_ceil(1_000).max(1);
            times.get(rank - 1).map_or(0.0, |time| time.as_secs_f64() * 1e3)
        };
        Self { count: times.len(), p50: rank(500), p95: rank(950), p99: rank(990), p999: rank(999), max: rank(1_000) }
    }
}

/// The median of some numbers; the lower one of two, and 0 of none.
pub(crate) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Quantiles, median};
    use std::time::Duration;

    #[test]
    fn quantiles_are_by_nearest_rank() {
        let times = (1..=200).rev().map(Duration::from_millis).collect();
        let want = Quantiles { count: 200, p50: 100.0, p95: 190.0, p99: 198.0, p999: 200.0, max: 200.0 };
        assert_eq!(Quantiles::of(times), want);
        assert_eq!(Quantiles::of(Vec::new()), Quantiles::default());
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
    }
}
