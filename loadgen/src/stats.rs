//! Quantiles of what was measured.

use serde::Serialize;
use std::time::Duration;

/// Times, summed up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Quantiles {
    /// How many there were.
    pub(crate) count: usize,
    /// Half took at most so long (milliseconds).
    pub(crate) p50: f64,
    /// Of a hundred, 99 took at most so long.
    pub(crate) p99: f64,
    /// The longest.
    pub(crate) max: f64,
}

impl Quantiles {
    /// Sums up; by nearest rank.
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let rank = |percent: usize| {
            let rank = (times.len() * percent).div_ceil(100).max(1);
            times.get(rank - 1).map_or(0.0, |time| time.as_secs_f64() * 1e3)
        };
        Self { count: times.len(), p50: rank(50), p99: rank(99), max: rank(100) }
    }
}

/// The middle of some numbers; the lower one of two. 0 when there are none.
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
        assert_eq!(Quantiles::of(times), Quantiles { count: 200, p50: 100.0, p99: 198.0, max: 200.0 });
        assert_eq!(Quantiles::of(Vec::new()), Quantiles::default());
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
    }
}
