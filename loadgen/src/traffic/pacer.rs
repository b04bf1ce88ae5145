//! An even rate. The moments come from a thread of its own, because the timer of the runtime is a millisecond coarse: a
//! latency counts from the moment, and would be half a millisecond too long.

use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// So many moments at a rate a second, each published when it has come. Those that nobody waits for are published late, and
/// are as they were to be.
pub(crate) fn moments(rate: f64, count: u64) -> UnboundedReceiver<Instant> {
    let (moment, moments) = unbounded_channel();
    let begun = Instant::now();
    std::thread::spawn(move || {
        for number in 1..=count {
            let due = begun + Duration::from_secs_f64(number as f64 / rate);
            wait_until(due);
            if moment.send(due).is_err() {
                return;
            }
        }
    });
    moments
}

/// The number of moments of some seconds.
pub(crate) fn count(rate: f64, seconds: u64) -> u64 {
    (rate * seconds as f64) as u64
}

fn wait_until(due: Instant) {
    loop {
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        // It may return early.
        std::thread::park_timeout(left);
    }
}

#[cfg(test)]
mod tests {
    use super::{count, moments};
    use std::time::{Duration, Instant};

    #[tokio::test]
    async fn moments_are_even_however_late_they_are_taken() {
        let mut moments = moments(200.0, count(200.0, 1) / 20);
        let made = Instant::now();
        // The client is held up for longer than all moments last.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let mut found = Vec::new();
        while let Some(due) = moments.recv().await {
            found.push(due);
        }
        assert_eq!(found.len(), 10);
        assert!(found.windows(2).all(|pair| pair[1] - pair[0] == Duration::from_millis(5)), "{found:?}");
        assert!(found[9] <= made + Duration::from_millis(50), "{found:?} after {made:?}");
    }
}
