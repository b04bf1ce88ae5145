//! The rate at which messages are sent, and the measured time.

use crate::board::Board;
use clap::Args;
use std::{
    cell::RefCell,
    time::{Duration, Instant},
};
use tokio::time::{MissedTickBehavior, interval, sleep};

/// The interval at which due messages of an even rate are sent.
const TICK: Duration = Duration::from_millis(1);

/// The load of a run.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// So many messages a second, round robin. Without: everybody has one message outstanding.
    #[arg(long)]
    rate: Option<u32>,
    /// Seconds before measuring.
    #[arg(long, default_value_t = 3)]
    warm_up: u64,
    /// Seconds of measuring.
    #[arg(long, default_value_t = 10)]
    measure: u64,
}

impl Pace {
    pub(crate) const fn is_closed(&self) -> bool {
        self.rate.is_none()
    }

    /// Has so many senders post, and returns the measured seconds. What comes of the posting in a closed load is up to the
    /// caller: the next message is due when one is complete.
    pub(crate) async fn run(&self, board: &RefCell<Board>, senders: usize, post: impl Fn(usize)) -> f64 {
        let measured = async {
            sleep(Duration::from_secs(self.warm_up)).await;
            // The word for which `cargo xtask bench` waits.
            eprintln!("measuring");
            let begun = Instant::now();
            board.borrow_mut().measure(true);
            sleep(Duration::from_secs(self.measure)).await;
            board.borrow_mut().measure(false);
            begun.elapsed().as_secs_f64()
        };
        tokio::select! {
            seconds = measured => seconds,
            never = self.post(senders, post) => never,
        }
    }

    async fn post(&self, senders: usize, post: impl Fn(usize)) -> f64 {
        let Some(rate) = self.rate else {
            (0..senders).for_each(post);
            return std::future::pending().await;
        };
        let (begun, mut sent) = (Instant::now(), 0);
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            let due = (begun.elapsed().as_secs_f64() * f64::from(rate)) as usize;
            while sent < due {
                post(sent % senders);
                sent += 1;
            }
        }
    }
}
