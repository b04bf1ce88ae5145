//! Quantiles of measured times.

use serde::Serialize;
use std::time::Duration;

/// Quantiles of times, in milliseconds, by nearest rank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Quantiles {
    count: usize,
    p50: f64,
    p95: f64,
    p99: f64,
    p999: f64,
    max: f64,
}

/// Measured times, in microseconds: a run has millions of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Times(Vec<u32>);

impl Times {
    pub(crate) fn add(&mut self, time: Duration) {
        self.0.push(u32::try_from(time.as_micros()).unwrap_or(u32::MAX));
    }

    pub(crate) const fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn quantiles(mut self) -> Quantiles {
        self.0.sort_unstable();
        let rank = |permille: usize| {
            let rank = (self.0.len() * permille).div_ceil(1_000).max(1);
            self.0.get(rank - 1).map_or(0.0, |micros| f64::from(*micros) / 1e3)
        };
        let [p50, p95, p99, p999, max] = [500, 950, 990, 999, 1_000].map(rank);
        Quantiles { count: self.0.len(), p50, p95, p99, p999, max }
    }
}

#[cfg(test)]
mod tests {
    use super::{Quantiles, Times};
    use std::time::Duration;

    #[test]
    fn quantiles_are_by_nearest_rank() {
        let mut times = Times::default();
        (1..=200).rev().for_each(|millis| times.add(Duration::from_millis(millis)));
        assert_eq!(times.count(), 200);
        let want = Quantiles { count: 200, p50: 100.0, p95: 190.0, p99: 198.0, p999: 200.0, max: 200.0 };
        assert_eq!(times.quantiles(), want);
        assert_eq!(Times::default().quantiles(), Quantiles::default());
    }
}
