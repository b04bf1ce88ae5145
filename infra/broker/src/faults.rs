//! Injected faults for tests: lost, doubled and reordered runs, the same for the same seed.

use crate::Run;
use std::sync::Arc;

/// Faults of a broker. The chances are per cent, drawn for each run and subscriber.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// The chance that a run is lost.
    pub loss: u8,
    /// The chance that a run is delivered twice.
    pub doubling: u8,
    /// The chance that a run is held back until after a later one.
    pub disorder: u8,
    /// The same seed and the same runs give the same faults.
    pub seed: u64,
}

impl Faults {
    /// No faults.
    pub const NONE: Self = Self { loss: 0, doubling: 0, disorder: 0, seed: 0 };
}

/// Injects the faults of one subscription.
#[derive(Debug)]
pub(crate) struct FaultInjector {
    faults: Faults,
    state: u64,
    held: Vec<Arc<Run>>,
}

impl FaultInjector {
    /// `stream` is the number of the subscription within its broker.
    pub(crate) const fn new(faults: Faults, stream: u64) -> Self {
        Self { faults, state: faults.seed ^ stream.rotate_left(32), held: Vec::new() }
    }

    /// The runs to deliver in place of `run`, in order.
    pub(crate) fn apply(&mut self, run: &Arc<Run>) -> Vec<Arc<Run>> {
        if self.faults == Faults::NONE {
            return vec![Arc::clone(run)];
        }
        let mut delivered = Vec::new();
        if self.happens(self.faults.disorder) {
            self.held.push(Arc::clone(run));
        } else if !self.happens(self.faults.loss) {
            delivered.push(Arc::clone(run));
            if self.happens(self.faults.doubling) {
                delivered.push(Arc::clone(run));
            }
        }
        if self.happens(50) {
            delivered.extend(self.held.pop());
        }
        delivered
    }

    fn happens(&mut self, percent: u8) -> bool {
        self.draw() % 100 < u64::from(percent)
    }

    /// SplitMix64 (Steele, Lea and Flood, 2014).
    const fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
