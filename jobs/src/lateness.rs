//! How late a job is, as metrics.

use metrics::{Gauge, gauge};
use std::{pin::pin, time::Duration};
use tokio::time::{Instant, timeout};

/// How often the metrics of a late job are set.
const SHOWN: Duration = Duration::from_secs(1);

/// How late a job is, and how many of its rounds failed in a row. Both metrics are 0 while this process does not run it.
pub(crate) struct Lateness {
    /// When the first round began that is not done yet.
    since: Option<Instant>,
    failed: u32,
    lag: Gauge,
    failures: Gauge,
}

impl Lateness {
    /// Of a job that begins.
    pub(crate) fn of(job: &'static str) -> Self {
        let lag = gauge!("chatchit_job_lag_seconds", "job" => job);
        let failures = gauge!("chatchit_job_failed_rounds", "job" => job);
        let lateness = Self { since: None, failed: 0, lag, failures };
        lateness.show();
        lateness
    }

    /// A round begins.
    pub(crate) fn begin(&mut self) {
        self.since.get_or_insert_with(Instant::now);
    }

    /// A round has ended.
    pub(crate) fn end(&mut self, is_done: bool) {
        if is_done {
            self.since = None;
            self.failed = 0;
        } else {
            self.failed = self.failed.saturating_add(1);
        }
        self.show();
    }

    /// Waits, and sets the metrics meanwhile.
    pub(crate) async fn during<T>(&self, awaited: impl Future<Output = T>) -> T {
        if self.since.is_none() {
            return awaited.await;
        }
        let mut awaited = pin!(awaited);
        loop {
            match timeout(SHOWN, awaited.as_mut()).await {
                Ok(value) => return value,
                Err(_) => self.show(),
            }
        }
    }

    fn show(&self) {
        self.lag.set(self.since.map_or(0.0, |since| since.elapsed().as_secs_f64()));
        self.failures.set(f64::from(self.failed));
    }
}

impl Drop for Lateness {
    fn drop(&mut self) {
        self.end(true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_job_is_late_from_the_first_round_that_failed_until_one_is_done() {
        let mut lateness = Lateness::of("test");
        assert_eq!(lateness.during(async { 7 }).await, 7);
        lateness.begin();
        let first = lateness.since;
        assert_eq!(lateness.during(async { 8 }).await, 8);
        for failed in 1..3 {
            lateness.end(false);
            lateness.begin();
            assert_eq!((lateness.since, lateness.failed), (first, failed));
        }
        lateness.end(true);
        assert_eq!((lateness.since, lateness.failed), (None, 0));
    }
}
