//! Latencies: histograms of bounded size, and their quantiles.

use hdrhistogram::Histogram;
use serde::Serialize;
use std::time::Duration;

/// Longer times all count as this one (microseconds).
const LONGEST: u64 = 3_600_000_000;
/// Significant digits of a time below the longest.
const DIGITS: u8 = 3;

/// Times, each rounded to three significant digits of a microsecond.
#[derive(Clone, Debug)]
pub(crate) struct Latencies {
    counts: Histogram<u64>,
    longest: Duration,
}

/// Quantiles of times, in milliseconds.
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

impl Default for Latencies {
    #[expect(clippy::expect_used, reason = "the bounds are constants that are valid")]
    fn default() -> Self {
        let counts = Histogram::new_with_bounds(1, LONGEST, DIGITS).expect("valid bounds");
        Self { counts, longest: Duration::ZERO }
    }
}

impl Latencies {
    pub(crate) fn record(&mut self, time: Duration) {
        self.counts.saturating_record(u64::try_from(time.as_micros()).unwrap_or(LONGEST));
        self.longest = self.longest.max(time);
    }

    pub(crate) fn quantiles(&self) -> Quantiles {
        let millis = |quantile| self.counts.value_at_quantile(quantile) as f64 / 1e3;
        Quantiles {
            count: usize::try_from(self.counts.len()).unwrap_or(usize::MAX),
            p50: millis(0.5),
            p95: millis(0.95),
            p99: millis(0.99),
            p999: millis(0.999),
            max: self.longest.as_secs_f64() * 1e3,
        }
    }
}

impl Extend<Duration> for Latencies {
    fn extend<T: IntoIterator<Item = Duration>>(&mut self, times: T) {
        times.into_iter().for_each(|time| self.record(time));
    }
}

impl Quantiles {
    pub(crate) fn of(times: Vec<Duration>) -> Self {
        let mut latencies = Latencies::default();
        latencies.extend(times);
        latencies.quantiles()
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
    fn quantiles_are_right_to_three_digits_and_the_longest_time_is_exact() {
        let times = (1..=200).rev().map(Duration::from_millis).collect();
        let found = Quantiles::of(times);
        assert_eq!((found.count, found.max), (200, 200.0));
        for (found, want) in [(found.p50, 100.0), (found.p95, 190.0), (found.p99, 198.0), (found.p999, 200.0)] {
            assert!((found / want - 1.0_f64).abs() < 0.002, "{found} is not {want}");
        }
        assert_eq!(Quantiles::of(Vec::new()), Quantiles::default());
    }

    #[test]
    fn a_time_beyond_the_longest_counts_as_the_longest() {
        let found = Quantiles::of(vec![Duration::from_micros(7), Duration::from_secs(100_000)]);
        assert_eq!((found.count, found.p50, found.max), (2, 0.007, 1e8));
        assert!((found.p99 / 3.6e6 - 1.0).abs() < 0.002, "{}", found.p99);
    }

    #[test]
    fn the_median_is_the_number_in_the_middle() {
        assert_eq!((median(vec![3.0, 1.0, 2.0]), median(Vec::new())), (2.0, 0.0));
    }
}
