//! Admits medium commands at a rate that keeps high commands fast.
//!
//! The latency of high commands signals congestion, as in congestion control. The rate is limited rather than the
//! number in flight: a few at a time keep all processors as busy as many do.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until},
};

/// An append of a high command that takes less is never slow.
const QUICK: Duration = Duration::from_millis(2);
/// Beyond [`QUICK`], an append is slow if it takes this many times the quickest recent one: disks differ.
const SLOWER: u32 = 4;
/// The window of the quickest append, at least; at most twice as long.
const WINDOW: Duration = Duration::from_secs(5);
/// The time a change of the rate needs to show.
const TURN: Duration = Duration::from_millis(50);
/// The least commands per second; as many as there are high ones if those are more. Fewer would starve the medium tier.
const LEAST: f64 = 100.0;
/// The turns over which the rate of high commands is averaged.
const HIGH_OVER: f64 = 20.0;
/// A rate that limits nothing.
const MOST: f64 = 50_000.0;
/// The growth of the rate in a turn without a slow high command.
const GROWTH: f64 = 1.02;
/// The growth when no high command came for [`ALONE`], or when the rate does not limit.
const FREE: f64 = 2.0;
/// Without a high command for this long, medium commands are not limited.
const ALONE: Duration = Duration::from_secs(1);
/// Signals are shed below this rate while a command waits.
const PRESSED: f64 = 1_000.0;
/// The unused rate of this long is made up for.
const SLACK: Duration = Duration::from_millis(5);
/// The most commands in flight; more only wait for each other.
const SLOTS: usize = 64;
/// The most commands that wait; more are refused as overloaded.
const QUEUE: usize = 4_096;

/// The right of one medium command to run, released on drop.
#[derive(Debug)]
pub(crate) struct MediumPermit {
    _permit: OwnedSemaphorePermit,
}

struct Waiting<'a>(&'a AtomicUsize);

/// Admits medium commands.
#[derive(Debug)]
pub(crate) struct MediumAdmission {
    /// Held by the next command to enter.
    line: tokio::sync::Mutex<()>,
    slots: Arc<Semaphore>,
    waiting: AtomicUsize,
    pace: Mutex<Pace>,
}

#[derive(Debug)]
struct Pace {
    /// Commands per second.
    rate: f64,
    /// When the last admitted command may start.
    due: Instant,
    /// Arrivals in this turn and in the previous one.
    came: [u32; 2],
    high: u32,
    /// High commands per second: an average over some [`HIGH_OVER`] turns.
    high_rate: f64,
    turn_ends: Instant,
    is_cut: bool,
    high_at: Instant,
    /// The quickest high command of this window and of the one before it.
    quickest: [Duration; 2],
    window_ends: Instant,
}

impl MediumAdmission {
    pub(crate) fn new() -> Self {
        let pace = Mutex::new(Pace::new(Instant::now()));
        let slots = Arc::new(Semaphore::new(SLOTS));
        Self { line: tokio::sync::Mutex::default(), slots, waiting: AtomicUsize::new(0), pace }
    }

    /// Waits for a permit, first come, first served. `None` when too many wait.
    pub(crate) async fn acquire(&self) -> Option<MediumPermit> {
        let _waiting = Waiting::begin(&self.waiting)?;
        let _turn = self.line.lock().await;
        let due = self.pace().next(Instant::now());
        sleep_until(due).await;
        let permit = Arc::clone(&self.slots).acquire_owned().await.ok()?;
        Some(MediumPermit { _permit: permit })
    }

    /// True while medium commands are held back; signals are then shed.
    pub(crate) fn is_pressed(&self) -> bool {
        if self.waiting.load(Relaxed) == 0 {
            return false;
        }
        let mut pace = self.pace();
        pace.turn(Instant::now());
        pace.rate < PRESSED
    }

    /// Reports the duration of a high command's append.
    pub(crate) fn high_took(&self, time: Duration) {
        self.pace().high_took(time, Instant::now());
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> Waiting<'a> {
    fn begin(waiting: &'a AtomicUsize) -> Option<Self> {
        let before = waiting.fetch_add(1, Relaxed);
        let waits = Self(waiting);
        (before < QUEUE).then_some(waits)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Pace {
    fn new(now: Instant) -> Self {
        Self {
            rate: MOST,
            due: now,
            came: [0; 2],
            high: 0,
            high_rate: 0.0,
            turn_ends: now + TURN,
            is_cut: false,
            high_at: now,
            quickest: [Duration::MAX; 2],
            window_ends: now,
        }
    }

    /// When the next command may start.
    fn next(&mut self, now: Instant) -> Instant {
        self.turn(now);
        self.came[0] += 1;
        let earliest = now.checked_sub(SLACK).unwrap_or(now);
        self.due = (self.due + Duration::from_secs_f64(1.0 / self.rate)).max(earliest);
        self.due
    }

    fn high_took(&mut self, time: Duration, now: Instant) {
        self.turn(now);
        self.high += 1;
        self.high_at = now;
        if now >= self.window_ends {
            self.window_ends = now + WINDOW;
            self.quickest = [Duration::MAX, self.quickest[0]];
        }
        self.quickest[0] = self.quickest[0].min(time);
        let [this, before] = self.quickest;
        if time > this.min(before).saturating_mul(SLOWER).max(QUICK) && !self.is_cut {
            self.give_way();
        }
    }

    /// Halves the rate of recent arrivals, unless they were too few to cause the delay.
    fn give_way(&mut self) {
        let [this, before] = self.came;
        let came = f64::from(this.max(before)) / TURN.as_secs_f64();
        let least = self.high_rate.max(LEAST);
        if came >= least {
            self.rate = (self.rate.min(came) / 2.0).max(least);
            self.is_cut = true;
        }
    }

    /// Ends the turn when it is over. Turns without arrivals count.
    fn turn(&mut self, now: Instant) {
        let Some(late) = now.checked_duration_since(self.turn_ends) else { return };
        let since = (late.as_secs_f64() / TURN.as_secs_f64()).floor();
        let without_cut = if self.is_cut { since } else { since + 1.0 };
        let limits = 2.0 * f64::from(self.came[0]) >= self.rate * TURN.as_secs_f64();
        let growth: f64 = if limits && now < self.high_at + ALONE { GROWTH } else { FREE };
        let share = (since + 1.0).min(HIGH_OVER) / HIGH_OVER;
        let high = f64::from(std::mem::take(&mut self.high)) / ((since + 1.0) * TURN.as_secs_f64());
        self.high_rate += (high - self.high_rate) * share;
        self.rate = (self.rate * growth.powf(without_cut)).max(self.high_rate).min(MOST);
        self.came = [0, if late < TURN { self.came[0] } else { 0 }];
        self.is_cut = false;
        self.turn_ends = now + TURN;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    struct Trial {
        pace: Pace,
        now: Instant,
    }

    impl Trial {
        fn new() -> Self {
            let now = Instant::now();
            Self { pace: Pace::new(now), now }
        }

        /// Some turns, in each of which as many medium commands come as are let in, `most` at most, and a high one that
        /// takes so long, or none.
        fn turns(&mut self, count: usize, most: u32, high: Option<Duration>) {
            for _ in 0..count {
                let mut came = 0;
                while came < most && self.pace.next(self.now) <= self.now + TURN {
                    came += 1;
                }
                if let Some(time) = high {
                    self.pace.high_took(time, self.now);
                }
                self.now += TURN;
            }
        }
    }

    #[test]
    fn medium_commands_give_way_while_high_ones_are_slow() {
        let mut trial = Trial::new();
        trial.turns(1, 100, Some(MS));
        assert!(trial.pace.rate >= MOST);
        trial.turns(1, 100, Some(50 * MS));
        assert!((900.0..1_100.0).contains(&trial.pace.rate), "half of what came, and not of what might");
        trial.turns(20, 100, Some(50 * MS));
        assert!(trial.pace.rate <= LEAST * GROWTH);
        trial.turns(50, 100, Some(MS));
        assert!((2.0 * LEAST..4.0 * LEAST).contains(&trial.pace.rate), "it grows slowly");
    }

    #[test]
    fn few_medium_commands_are_not_at_fault() {
        let mut trial = Trial::new();
        trial.turns(1, 1, Some(MS));
        trial.turns(20, 1, Some(500 * MS));
        assert!(trial.pace.rate >= MOST);
    }

    #[test]
    fn as_many_are_let_in_as_there_are_high_ones() {
        let mut trial = Trial::new();
        trial.turns(1, 0, Some(MS));
        for _ in 0..100 {
            // A thousand a second.
            (0..49).for_each(|_| trial.pace.high_took(50 * MS, trial.now));
            trial.turns(1, 200, Some(50 * MS));
        }
        assert!((900.0..1_200.0).contains(&trial.pace.rate), "{}", trial.pace.rate);
    }

    #[test]
    fn on_a_slow_disk_slow_is_slower() {
        let mut trial = Trial::new();
        trial.turns(100, 100, Some(30 * MS));
        assert!(trial.pace.rate >= MOST);
        trial.turns(1, 100, Some(150 * MS));
        assert!(trial.pace.rate < MOST);
    }

    #[test]
    fn nothing_is_limited_any_more_when_no_high_command_comes() {
        let mut trial = Trial::new();
        trial.turns(1, 100, Some(MS));
        trial.turns(20, 100, Some(50 * MS));
        assert!(trial.pace.rate <= LEAST * GROWTH);
        trial.turns(40, 10_000, None);
        assert!(trial.pace.rate >= MOST);
        trial.turns(20, 100, Some(50 * MS));
        trial.now += 60 * ALONE;
        trial.pace.turn(trial.now);
        assert!(trial.pace.rate >= MOST, "after a pause, too");
    }

    #[test]
    fn a_rate_that_does_not_limit_grows_fast() {
        let mut trial = Trial::new();
        trial.turns(1, 100, Some(MS));
        trial.turns(20, 100, Some(50 * MS));
        trial.turns(10, 1, Some(MS));
        assert!(trial.pace.rate >= MOST);
    }

    #[test]
    fn commands_go_at_the_rate() {
        let mut trial = Trial::new();
        trial.pace.rate = LEAST;
        trial.now += TURN / 2;
        let due: Vec<_> = (0..3).map(|_| trial.pace.next(trial.now)).collect();
        assert!(due[0] <= trial.now, "the first goes at once");
        assert_eq!([due[1] - due[0], due[2] - due[1]], [10 * MS; 2]);
    }

    #[tokio::test]
    async fn only_so_many_are_under_way() {
        let admission = MediumAdmission::new();
        let mut held = Vec::new();
        for _ in 0..SLOTS {
            held.extend(admission.acquire().await);
        }
        assert_eq!(admission.slots.available_permits(), 0);
        held.pop();
        assert!(admission.acquire().await.is_some());
    }
}
