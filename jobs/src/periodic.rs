//! Jobs that work in rounds: deadlines, garbage collection, purges.

use crate::{Job, lateness::Lateness};
use metrics::{counter, histogram};
use std::{fmt::Display, time::Duration};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// Work in rounds. A round finds its work in the database, so that work that came due without a running process is done
/// by the next.
pub trait Periodic: Clone + Send + Sync + 'static {
    /// The name of its lease.
    const LEASE: &'static str;
    /// The job's memory from round to round, until it loses the lease.
    type Memory: Default + Send;
    type Error: Display + Send;

    /// The time between the starts of two rounds; the first starts at once.
    fn pause(&self) -> Duration;

    /// Does all that is due. Work that fails is left to the next round.
    ///
    /// # Errors
    /// The round could not be completed.
    fn round(&self, memory: &mut Self::Memory) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

impl<P: Periodic> Job for P {
    fn name(&self) -> String {
        P::LEASE.to_owned()
    }

    async fn run(self, stop: CancellationToken) {
        let mut ticks = interval(self.pause());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut memory, mut is_failing, mut lateness) = (P::Memory::default(), false, Lateness::of(P::LEASE));
        while stop.run_until_cancelled(lateness.during(ticks.tick())).await.is_some() {
            let began = Instant::now();
            lateness.begin();
            let round = stop.run_until_cancelled(lateness.during(self.round(&mut memory))).await;
            if let Some(round) = &round {
                lateness.end(round.is_ok());
                let outcome = if round.is_ok() { "done" } else { "failed" };
                histogram!("chatchit_job_round_seconds", "job" => P::LEASE).record(began.elapsed());
                counter!("chatchit_job_rounds_total", "job" => P::LEASE, "outcome" => outcome).increment(1);
            }
            match round {
                Some(Ok(())) => is_failing = false,
                Some(Err(error)) if is_failing => {
                    tracing::debug!(job.name = P::LEASE, error.cause = %error, "a round of a job failed again");
                }
                Some(Err(error)) => {
                    is_failing = true;
                    tracing::warn!(job.name = P::LEASE, error.cause = %error, "a round of a job failed and is repeated");
                }
                None => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    };

    #[derive(Clone)]
    struct Rounds {
        done: Arc<AtomicUsize>,
        stop: CancellationToken,
    }

    impl Periodic for Rounds {
        const LEASE: &'static str = "test.rounds";
        type Memory = usize;
        type Error = &'static str;

        fn pause(&self) -> Duration {
            Duration::from_millis(1)
        }

        async fn round(&self, memory: &mut usize) -> Result<(), &'static str> {
            *memory += 1;
            self.done.store(*memory, Relaxed);
            match *memory {
                3 => self.stop.cancel(),
                4.. => std::future::pending().await,
                _ => (),
            }
            Err("a failure")
        }
    }

    #[tokio::test]
    async fn a_failed_round_is_repeated_with_its_memory_until_the_job_is_stopped() {
        let (done, stop) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
        let rounds = Rounds { done: Arc::clone(&done), stop: stop.clone() };
        assert_eq!(rounds.name(), "test.rounds");
        rounds.run(stop).await;
        assert_eq!(done.load(Relaxed), 3);
    }
}
