//! The controller of admission: from the time commands take to their commit, decides which ones an overloaded server refuses.
//! Pure: the time is given, and chance is a sequence of its own.
//!
//! As in CoDel (RFC 8289), a delay that stands for a while is the sign of overload, not a burst. CoDel takes the least
//! delay of its one queue; commands wait in many (of sockets, of streams, of the log), and one empty queue among them says
//! nothing of the others: so the sign is that nine in ten commands of a turn were late.

use domain::Tier;
use std::{collections::HashMap, time::Duration};
use tokio::time::Instant;
use uuid::Uuid;

/// The time over which delays are judged.
const TURN: Duration = Duration::from_millis(100);
/// The growth of the pressure in a turn whose commands were late: the share of a tier goes from none to all in half a second.
const RISE: f64 = 0.2;
/// The fall in a turn that was in time and in which commands were refused: a few more might be too many.
const FALL: f64 = 0.05;
/// The fall in a turn in which none was refused.
const RELEASE: f64 = 0.5;
/// The weight of a turn in the average rate of commits.
const WEIGHT: f64 = 0.2;
/// Clients are asked to come back within so many seconds after the first, so that not all come at once.
const SPREAD: f64 = 4.0;

/// The bounds of a tier.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// A command that takes longer from its admission to its commit is late. The slowest take two to three times as long.
    target: Duration,
    /// With fewer commands under way none is refused, however long they take.
    few: usize,
    /// With as many under way all are refused. In a turn after one whose commands were late: with four times as many as
    /// `few`. In either case with no fewer than are committed in a second.
    many: usize,
}

/// Half of the tier's target. Fewer than 200 commands take less at any rate at which a server is of use.
const HIGH: Bounds = Bounds { target: Duration::from_millis(50), few: 200, many: 2_048 };
/// A third of the tier's target: what waits longer reacts later.
const MEDIUM: Bounds = Bounds { target: Duration::from_millis(150), few: 32, many: 4_096 };

/// The pressure from which commands of a tier are refused; one more refuses all of them. Low commands go first, high ones last.
const fn level(tier: Tier) -> f64 {
    match tier {
        Tier::Low => 0.0,
        Tier::Medium => 1.0,
        Tier::High => 2.0,
    }
}

/// A refused command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// The time after which it is to be tried again, in whole seconds.
    pub(super) wait: Duration,
    /// Whether it is the first since all were admitted.
    pub(super) is_first: bool,
}

#[derive(Debug)]
pub(super) struct Controller {
    /// From 0 (all are admitted) to 3; see [`level`].
    pressure: f64,
    turn_ends: Instant,
    high: Queue,
    medium: Queue,
    /// Whether a high or medium command was refused in this turn.
    has_refused: bool,
    /// Since all were admitted.
    refused: u64,
    /// As many were refused in the last overload, which has ended.
    ended: Option<u64>,
    dice: u64,
}

/// The admitted commands of a tier that are not committed yet, wherever they wait.
#[derive(Debug)]
struct Queue {
    bounds: Bounds,
    /// When each was admitted.
    under_way: HashMap<Uuid, Instant>,
    /// The most under way at a time, in this turn.
    peak: usize,
    /// The commits of this turn, and those of them that were late.
    committed: usize,
    late: usize,
    /// Whether the previous turn was late.
    was_late: bool,
    /// Commits per second: an average over some turns.
    rate: f64,
}

impl Controller {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            pressure: 0.0,
            turn_ends: now + TURN,
            high: Queue::new(HIGH),
            medium: Queue::new(MEDIUM),
            has_refused: false,
            refused: 0,
            ended: None,
            dice: 0,
        }
    }

    /// Admits a command, or refuses it. A high or medium one is under way until it is committed or has left.
    pub(super) fn enter(&mut self, tier: Tier, request: Uuid, now: Instant) -> Result<(), Refused> {
        self.turn(now);
        let (share, roll) = (self.share(tier), self.roll());
        let Some(queue) = self.queue(tier) else {
            return if roll < share { Err(self.refuse(share)) } else { Ok(()) };
        };
        let (under_way, few, most) = (queue.under_way.len(), queue.bounds.few, queue.most());
        if under_way < few || (under_way < most && roll >= share) {
            queue.enter(request, now);
            return Ok(());
        }
        self.has_refused = true;
        if under_way < most {
            return Err(self.refuse(share));
        }
        // What is less urgent than a tier that is full is refused altogether.
        self.pressure = self.pressure.max(level(tier));
        Err(self.refuse(1.0))
    }

    /// Notes the commit of a command of this tier; returns the time since its admission. `None` if it was not admitted at a
    /// door, or has committed before.
    pub(super) fn committed(&mut self, request: Uuid, tier: Tier, now: Instant) -> Option<Duration> {
        self.turn(now);
        let since = self.take(request)?;
        let took = now.duration_since(since);
        if let Some(queue) = self.queue(tier) {
            queue.note(took);
        }
        Some(took)
    }

    /// Leaves out a command while it waits by intent; returns its tier. `None` if it is not under way.
    pub(super) fn pause(&mut self, request: Uuid) -> Option<Tier> {
        if self.high.under_way.remove(&request).is_some() {
            return Some(Tier::High);
        }
        self.medium.under_way.remove(&request).map(|_| Tier::Medium)
    }

    /// Counts it again, from now on.
    pub(super) fn resume(&mut self, request: Uuid, tier: Tier, now: Instant) {
        if let Some(queue) = self.queue(tier) {
            queue.enter(request, now);
        }
    }

    /// Ends a command, committed or not.
    pub(super) fn leave(&mut self, request: Uuid) {
        self.take(request);
    }

    /// The number of commands that an overload refused, once it has ended.
    pub(super) fn take_ended(&mut self) -> Option<u64> {
        self.ended.take()
    }

    /// The share of a tier that is refused, from 0 to 1.
    fn share(&self, tier: Tier) -> f64 {
        (self.pressure - level(tier)).clamp(0.0, 1.0)
    }

    fn refuse(&mut self, share: f64) -> Refused {
        let is_first = self.refused == 0;
        self.refused += 1;
        let wait = Duration::from_secs(1 + (share * SPREAD * self.roll()) as u64);
        Refused { wait, is_first }
    }

    /// The queue of a tier; low commands have none, for they are not stored.
    fn queue(&mut self, tier: Tier) -> Option<&mut Queue> {
        match tier {
            Tier::High => Some(&mut self.high),
            Tier::Medium => Some(&mut self.medium),
            Tier::Low => None,
        }
    }

    fn take(&mut self, request: Uuid) -> Option<Instant> {
        self.high.under_way.remove(&request).or_else(|| self.medium.under_way.remove(&request))
    }

    /// Ends the turn when it is over, and those after it in which nothing happened.
    fn turn(&mut self, now: Instant) {
        let Some(since) = now.checked_duration_since(self.turn_ends) else { return };
        let turns = 1.0 + (since.as_secs_f64() / TURN.as_secs_f64()).floor();
        let late = [self.high.end_turn(turns, now), self.medium.end_turn(turns, now)];
        let most = match late {
            [true, _] => level(Tier::High) + 1.0,
            [false, true] => level(Tier::Medium) + 1.0,
            [false, false] => 0.0,
        };
        if self.pressure < most {
            self.pressure = (self.pressure + RISE * turns).min(most);
        } else {
            let first = if self.has_refused { FALL } else { RELEASE };
            self.pressure = (self.pressure - first - RELEASE * (turns - 1.0)).max(most);
        }
        if self.pressure <= 0.0 && self.refused > 0 {
            self.ended = Some(std::mem::take(&mut self.refused));
        }
        self.has_refused = false;
        self.turn_ends = now + TURN;
    }

    /// A number from 0 to 1, exclusive (SplitMix64): chance, so that no client is always the one that is refused.
    fn roll(&mut self) -> f64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.dice;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        (mixed >> 11) as f64 / (1_u64 << 53) as f64
    }
}

impl Queue {
    fn new(bounds: Bounds) -> Self {
        Self { bounds, under_way: HashMap::new(), peak: 0, committed: 0, late: 0, was_late: false, rate: 0.0 }
    }

    /// With as many under way, all are refused.
    fn most(&self) -> usize {
        let most = if self.was_late { 4 * self.bounds.few } else { self.bounds.many };
        most.max(self.rate as usize)
    }

    fn enter(&mut self, request: Uuid, now: Instant) {
        self.under_way.insert(request, now);
        self.peak = self.peak.max(self.under_way.len());
    }

    fn note(&mut self, took: Duration) {
        self.committed += 1;
        self.late += usize::from(took > self.bounds.target);
    }

    /// True if there were more than a few commands in this turn, and nine in ten of them were late, those that wait still
    /// included. Of several turns, those without an event count as well: there must be as many commands now.
    fn is_late(&self, turns: f64, now: Instant) -> bool {
        let crowd = if turns > 1.0 { self.under_way.len() } else { self.peak };
        if crowd <= self.bounds.few {
            return false;
        }
        let overdue = self.under_way.values().filter(|since| now.duration_since(**since) > self.bounds.target).count();
        let late = self.late + overdue;
        late > 0 && late * 10 >= (self.committed + overdue) * 9
    }

    /// Begins the next turn; returns whether this one was late.
    fn end_turn(&mut self, turns: f64, now: Instant) -> bool {
        self.was_late = self.is_late(turns, now);
        // While commands wait and none is committed, as when the disk stalls, the last known rate is the best guess.
        if self.committed > 0 || self.under_way.is_empty() {
            let rate = self.committed as f64 / (turns * TURN.as_secs_f64());
            self.rate += (rate - self.rate) * (turns * WEIGHT).min(1.0);
        }
        self.peak = self.under_way.len();
        (self.committed, self.late) = (0, 0);
        self.was_late
    }
}

#[cfg(test)]
mod tests;
