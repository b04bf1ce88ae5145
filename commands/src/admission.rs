//! How many medium commands may be under way: as many as leave the high ones quick.
//!
//! Additive increase, multiplicative decrease (Chiu and Jain, 1989), as congestion control does it: the latency of
//! high commands is the sign of congestion.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

/// No high command's append is slow that takes less than this.
const QUICK: Duration = Duration::from_millis(5);
/// Beyond that, one is slow that takes so many times as long as the quickest one lately: disks differ.
const SLOWER: u32 = 4;
/// What "lately" is, at least; at most twice as long.
const LATELY: Duration = Duration::from_secs(5);
/// How long a change of the limit is given to show.
const TURN: Duration = Duration::from_millis(100);
/// Fewer would starve the medium tier.
const LEAST: usize = 4;
/// More only wait for each other.
const MOST: usize = 64;
/// With so few places, signals are shed.
const PRESSED: usize = 16;
/// Commands that may wait for a place; more are told to come back.
const QUEUE: usize = 4_096;

/// A place among the medium commands under way; it is free again when this is dropped.
#[derive(Debug)]
pub struct Place {
    _permit: OwnedSemaphorePermit,
}

/// One who waits for a place.
struct Waiting<'a>(&'a AtomicUsize);

/// Admits medium commands.
#[derive(Debug)]
pub(crate) struct Admission {
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    limit: Mutex<Limit>,
}

#[derive(Debug)]
struct Limit {
    places: usize,
    /// Whether a high command was slow in this turn.
    slow: bool,
    /// The quickest high command of this window and of the one before it.
    quickest: [Duration; 2],
    window_ends: Instant,
    /// Places to be taken away, once they are free.
    owed: usize,
    turn_ends: Instant,
}

impl Admission {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        let quickest = [Duration::MAX; 2];
        let limit = Limit { places: MOST, slow: false, quickest, window_ends: now, owed: 0, turn_ends: now };
        Self { places: Arc::new(Semaphore::new(MOST)), waiting: AtomicUsize::new(0), limit: Mutex::new(limit) }
    }

    /// Waits for a place: first come, first served. `None` when too many wait already.
    pub(crate) async fn place(&self) -> Option<Place> {
        self.adjust(None, Instant::now());
        let waiting = Waiting::begin(&self.waiting)?;
        let permit = Arc::clone(&self.places).acquire_owned().await.ok()?;
        drop(waiting);
        Some(Place { _permit: permit })
    }

    /// Whether high commands are slow, so that whatever may be shed should be.
    pub(crate) fn is_pressed(&self) -> bool {
        self.adjust(None, Instant::now());
        self.limit.lock().unwrap_or_else(PoisonError::into_inner).places <= PRESSED
    }

    /// A high command took so long.
    pub(crate) fn high_took(&self, time: Duration) {
        self.adjust(Some(time), Instant::now());
    }

    fn adjust(&self, high: Option<Duration>, now: Instant) {
        let mut limit = self.limit.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(time) = high {
            limit.high_took(time, now);
        }
        if let Some(late) = now.checked_duration_since(limit.turn_ends) {
            limit.turn_ends = now + TURN;
            match limit.next(1 + (late.as_millis() / TURN.as_millis()) as usize) {
                wanted if wanted > limit.places => {
                    let more = wanted - limit.places;
                    let paid = more.min(limit.owed);
                    limit.owed -= paid;
                    self.places.add_permits(more - paid);
                    limit.places = wanted;
                }
                wanted => {
                    limit.owed += limit.places - wanted;
                    limit.places = wanted;
                }
            }
        }
        limit.owed -= self.places.forget_permits(limit.owed);
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

impl Limit {
    fn high_took(&mut self, time: Duration, now: Instant) {
        if now >= self.window_ends {
            self.window_ends = now + LATELY;
            self.quickest = [Duration::MAX, self.quickest[0]];
        }
        self.quickest[0] = self.quickest[0].min(time);
        let [this, before] = self.quickest;
        self.slow |= time > this.min(before).saturating_mul(SLOWER).max(QUICK);
    }

    /// How many places the next turn has, when so many turns have passed.
    fn next(&mut self, turns: usize) -> usize {
        if std::mem::take(&mut self.slow) {
            (self.places / 2).max(LEAST)
        } else {
            self.places.saturating_add(turns).min(MOST)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    struct Trial {
        admission: Admission,
        now: Instant,
    }

    impl Trial {
        fn new() -> Self {
            Self { admission: Admission::new(), now: Instant::now() + TURN }
        }

        /// Some turns, each with a high command that took so long, or with none.
        fn turns(&mut self, count: usize, high: Option<Duration>) {
            for _ in 0..count {
                self.admission.adjust(high, self.now);
                self.now += TURN;
            }
        }

        fn free(&self) -> usize {
            self.admission.places.available_permits()
        }
    }

    #[test]
    fn medium_commands_give_way_while_high_ones_are_slow() {
        let mut trial = Trial::new();
        trial.turns(1, Some(MS));
        assert_eq!(trial.free(), MOST);
        trial.turns(10, Some(50 * MS));
        assert_eq!(trial.free(), LEAST);
        trial.turns(2, Some(2 * MS));
        assert_eq!(trial.free(), LEAST + 2);
        trial.turns(100, Some(2 * MS));
        assert_eq!(trial.free(), MOST);
    }

    #[tokio::test]
    async fn a_place_that_is_taken_away_while_held_is_not_given_out_again() {
        let mut trial = Trial::new();
        let mut held = Vec::new();
        for _ in 0..MOST {
            held.extend(trial.admission.place().await);
        }
        trial.turns(1, Some(MS));
        trial.turns(10, Some(50 * MS));
        held.truncate(MOST - 10);
        trial.turns(1, Some(50 * MS));
        assert_eq!(trial.free(), 0);
        held.clear();
        trial.turns(1, Some(50 * MS));
        assert_eq!(trial.free(), LEAST);
    }

    #[test]
    fn on_a_slow_disk_slow_is_slower() {
        let mut trial = Trial::new();
        trial.turns(100, Some(30 * MS));
        assert_eq!(trial.free(), MOST);
        trial.turns(10, Some(150 * MS));
        assert_eq!(trial.free(), LEAST);
    }

    #[test]
    fn places_come_back_when_no_high_command_comes_any_more() {
        let mut trial = Trial::new();
        trial.turns(1, Some(MS));
        trial.turns(10, Some(50 * MS));
        trial.turns(2 * MOST, None);
        assert_eq!(trial.free(), MOST);
        trial.turns(10, Some(50 * MS));
        trial.now += 2 * TURN * u32::try_from(MOST).unwrap_or(u32::MAX);
        trial.turns(1, None);
        assert_eq!(trial.free(), MOST, "after a pause, too");
    }
}
