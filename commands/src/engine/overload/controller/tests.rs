//! The controller before a simulated server: commands arrive and are committed at given rates, high ones first.

use super::*;
use proptest::prelude::*;
use std::collections::VecDeque;

const STEP: Duration = Duration::from_millis(1);
const TIERS: [Tier; 3] = [Tier::High, Tier::Medium, Tier::Low];

/// Commands per second of each tier: high, medium, low.
type Rates = [u32; 3];

const NONE: Rates = [0; 3];

struct Trial {
    controller: Controller,
    now: Instant,
    ids: u128,
    /// The commands that wait for their commit: high, medium.
    waiting: [VecDeque<Uuid>; 2],
    /// Parts of commands that are still to arrive, or to be committed.
    owed: [f64; 3],
    able: f64,
}

/// The commands of a tier in some time.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    admitted: u32,
    refused: u32,
    committed: u32,
    /// The longest time from an admission to a commit.
    longest: Duration,
}

impl Trial {
    fn new() -> Self {
        let now = Instant::now();
        let controller = Controller::new(now);
        Self { controller, now, ids: 0, waiting: Default::default(), owed: [0.0; 3], able: 0.0 }
    }

    /// Lets commands arrive for so many milliseconds, and commits `capacity` of them in a second.
    fn run(&mut self, millis: u32, arriving: Rates, capacity: u32) -> [Seen; 3] {
        let mut seen = [Seen::default(); 3];
        for _ in 0..millis {
            self.now += STEP;
            for (at, tier) in TIERS.into_iter().enumerate() {
                self.owed[at] += f64::from(arriving[at]) / 1e3;
                while self.owed[at] >= 1.0 {
                    self.owed[at] -= 1.0;
                    self.arrive(tier, &mut seen[at]);
                }
            }
            let share = f64::from(capacity) / 1e3;
            self.able = (self.able + share).min(share + 1.0);
            while self.able >= 1.0 && self.commit(&mut seen) {
                self.able -= 1.0;
            }
        }
        seen
    }

    fn arrive(&mut self, tier: Tier, seen: &mut Seen) {
        self.ids += 1;
        let request = Uuid::from_u128(self.ids);
        let under_way = self.waiting.each_ref().map(VecDeque::len);
        match self.controller.enter(tier, request, self.now) {
            Ok(()) => {
                seen.admitted += 1;
                match tier {
                    Tier::High => self.waiting[0].push_back(request),
                    Tier::Medium => self.waiting[1].push_back(request),
                    Tier::Low => (),
                }
            }
            Err(Refused { wait, .. }) => {
                seen.refused += 1;
                assert!((1..=5).contains(&wait.as_secs()) && wait.subsec_nanos() == 0, "{wait:?}");
                let is_few = match tier {
                    Tier::High => under_way[0] < HIGH.few,
                    Tier::Medium => under_way[1] < MEDIUM.few,
                    Tier::Low => false,
                };
                assert!(!is_few, "{tier:?} is refused with {under_way:?} under way");
            }
        }
    }

    /// Commits the next command. False if none waits.
    fn commit(&mut self, seen: &mut [Seen; 3]) -> bool {
        for (at, tier) in [Tier::High, Tier::Medium].into_iter().enumerate() {
            let Some(request) = self.waiting[at].pop_front() else { continue };
            let took = self.controller.committed(request, tier, self.now).expect("it was admitted");
            seen[at].committed += 1;
            seen[at].longest = seen[at].longest.max(took);
            return true;
        }
        false
    }

    /// Commits all that waits, and lets a second pass.
    fn rest(&mut self, capacity: u32) {
        while self.waiting.iter().any(|waiting| !waiting.is_empty()) {
            self.run(100, NONE, capacity);
        }
        self.run(1_000, NONE, capacity);
    }
}

fn refused(seen: [Seen; 3]) -> [u32; 3] {
    seen.map(|seen| seen.refused)
}

#[test]
fn below_saturation_nothing_is_refused() {
    let seen = Trial::new().run(5_000, [3_600, 300, 500], 4_000);
    assert_eq!(refused(seen), [0; 3]);
}

#[test]
fn at_three_times_saturation_accepted_commands_are_quick_and_the_server_stays_busy() {
    let mut trial = Trial::new();
    trial.run(2_000, [12_000, 0, 0], 4_000);
    let [high, ..] = trial.run(3_000, [12_000, 0, 0], 4_000);
    assert!(high.longest <= Duration::from_millis(250), "{high:?}");
    assert!(high.committed >= 11_400 && high.refused >= 20_000, "{high:?}");
}

#[test]
fn admission_opens_within_a_second_of_the_overload() {
    let mut trial = Trial::new();
    trial.run(5_000, [12_000, 1_000, 100], 4_000);
    trial.run(1_000, [2_000, 0, 0], 4_000);
    assert_eq!(refused(trial.run(1_000, [3_000, 300, 100], 4_000)), [0; 3]);
    assert!(trial.controller.take_ended().is_some_and(|refused| refused > 10_000));
    assert_eq!(trial.controller.take_ended(), None, "it ends once");
}

#[test]
fn low_commands_are_refused_first_and_high_ones_last() {
    let mut trial = Trial::new();
    let flood = [3_000, 3_000, 1_000];
    let [high, ..] = trial.run(2_000, flood, 4_000);
    assert_eq!(high.refused, 0, "medium commands alone are late");
    let [high, medium, low] = trial.run(3_000, flood, 4_000);
    assert_eq!((high.refused, low.admitted), (0, 0));
    assert!(medium.refused > 1_000 && medium.admitted > 1_000, "{medium:?}");
    assert!(medium.longest <= Duration::from_millis(600), "{medium:?}");
}

#[test]
fn while_nothing_is_committed_few_are_taken_in_and_the_others_refused_at_once() {
    let mut trial = Trial::new();
    trial.run(2_000, [2_000, 0, 0], 4_000);
    let [high, ..] = trial.run(3_000, [2_000, 0, 0], 0);
    assert!(high.admitted <= 2_048 && high.refused > 3_000, "{high:?}");
    trial.run(1_000, [2_000, 0, 0], 4_000);
    assert_eq!(refused(trial.run(1_000, [2_000, 100, 100], 4_000)), [0; 3], "all is well a second later");
}

#[test]
fn a_disk_that_stalls_for_a_moment_refuses_no_high_command() {
    let mut trial = Trial::new();
    trial.run(2_000, [2_000, 0, 0], 4_000);
    let [high, ..] = trial.run(400, [2_000, 0, 0], 0);
    assert_eq!(high.refused, 0);
    let [high, ..] = trial.run(1_000, [2_000, 0, 0], 4_000);
    assert_eq!(high.refused, 0);
}

#[test]
fn a_burst_after_silence_is_taken_in() {
    let mut trial = Trial::new();
    trial.rest(4_000);
    let [high, medium, _] = trial.run(20, [50_000, 100_000, 0], 4_000);
    assert_eq!((high.refused, medium.refused), (0, 0), "a thousand messages, and two thousand receipts");
}

#[test]
fn few_commands_are_never_refused_however_long_they_take() {
    let mut trial = Trial::new();
    assert_eq!(refused(trial.run(5_000, [20, 5, 20], 0)), [0; 3]);
    assert!(trial.controller.pressure <= 0.0);
}

#[test]
fn a_wait_by_intent_does_not_count_and_a_command_is_committed_once() {
    let mut controller = Controller::new(Instant::now());
    let (now, request) = (Instant::now(), Uuid::from_u128(1));
    controller.enter(Tier::Medium, request, now).unwrap();
    assert_eq!(controller.pause(request), Some(Tier::Medium));
    assert_eq!(controller.pause(request), None);
    controller.resume(request, Tier::Medium, now + 200 * STEP);
    assert_eq!(controller.committed(request, Tier::Medium, now + 203 * STEP), Some(3 * STEP));
    assert_eq!(controller.committed(request, Tier::Medium, now + 204 * STEP), None);
    controller.enter(Tier::High, request, now + 205 * STEP).unwrap();
    controller.leave(request);
    assert!(controller.high.under_way.is_empty(), "a command that was refused later is no longer under way");
}

#[test]
fn the_documented_bounds_are_these() {
    let page = include_str!("../../../../../docs/bounds.md");
    let grouped = |number: usize| match number {
        1_000.. => format!("{},{:03}", number / 1_000, number % 1_000),
        _ => number.to_string(),
    };
    for (name, Bounds { target, few, many }) in [("high", HIGH), ("medium", MEDIUM)] {
        let row = format!("| {name} | {few} | {} ms | {} |", target.as_millis(), grouped(many));
        assert!(page.contains(&row), "{row} is not documented");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever arrives: what is accepted is bounded in time, high commands have all of the server that they can use, and
    /// afterwards all are admitted.
    #[test]
    fn overload_is_bounded_and_ends(
        high in 0_u32..6_000,
        medium in 0_u32..6_000,
        low in 0_u32..2_000,
        capacity in 500_u32..4_000,
    ) {
        let mut trial = Trial::new();
        trial.run(3_000, [high, medium, low], capacity);
        let [seen, ..] = trial.run(2_000, [high, medium, low], capacity);
        let bound = Duration::from_secs_f64(HIGH.few as f64 / f64::from(capacity)) + Duration::from_millis(300);
        prop_assert!(seen.longest <= bound, "{seen:?} is longer than {bound:?}");
        let due = 2 * high.min(capacity);
        prop_assert!(seen.committed * 10 + 20 >= due * 9, "{} of {due} were committed", seen.committed);
        trial.rest(capacity);
        prop_assert_eq!(refused(trial.run(500, [100, 20, 20], capacity)), [0; 3]);
    }
}
