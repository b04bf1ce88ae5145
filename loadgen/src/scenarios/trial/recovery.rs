//! The time until nothing was delayed any more.

use super::reads::Reads;
use crate::traffic::board::Board;
use serde::Serialize;
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// The begin of the failure.
    pub(super) mark: Instant,
    pub(super) now: Instant,
    /// Anything slower is delayed.
    pub(super) slow: Duration,
}

/// Seconds from the mark to the end of the last delay; 0 without one, null while there is one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Recovery {
    /// From a send to its acknowledgement.
    commands: Option<f64>,
    /// From a send to its last delivery.
    deliveries: Option<f64>,
    /// From a read to the expected answer: of the rooms that count apart, if any.
    reads: Option<f64>,
    /// The longest read of other rooms (seconds); null while one is delayed.
    longest_read_elsewhere: Option<f64>,
    /// The number of rooms that count apart.
    rooms: usize,
}

impl Recovery {
    /// The delays known now. Reads of `rooms` count apart; of all rooms if it is empty.
    pub(super) fn of(times: &Times, board: &Board, reads: &Reads, rooms: &[usize]) -> Self {
        let messages = board.messages();
        let commands = messages.iter().map(|message| (message.due, message.acknowledged));
        let arrived = |delivered: &[Instant]| (delivered.len() == board.fan_out()).then(|| delivered.last().copied());
        let deliveries = messages.iter().map(|message| (message.due, arrived(&message.delivered).flatten()));
        let counts_apart = |room| rooms.is_empty() || rooms.contains(&room);
        let (apart, elsewhere): (Vec<_>, Vec<_>) = reads.all().into_iter().partition(|read| counts_apart(read.room));
        Self {
            commands: times.until_over(commands),
            deliveries: times.until_over(deliveries),
            reads: times.until_over(apart.iter().map(|read| (read.asked, read.shown))),
            longest_read_elsewhere: times.longest(elsewhere.iter().map(|read| (read.asked, read.shown))),
            rooms: rooms.len(),
        }
    }

    pub(super) const fn is_over(&self) -> bool {
        self.commands.is_some()
            && self.deliveries.is_some()
            && self.reads.is_some()
            && self.longest_read_elsewhere.is_some()
    }
}

impl Times {
    /// Seconds from the mark to the end of the last delay; `None` while there is one.
    fn until_over(&self, all: impl Iterator<Item = (Instant, Option<Instant>)>) -> Option<f64> {
        let mut over = self.mark;
        for (asked, done) in all {
            match done {
                Some(done) if done > self.mark && done - asked > self.slow => over = over.max(done),
                None if self.now - asked > self.slow => return None,
                _ => (),
            }
        }
        Some((over - self.mark).as_secs_f64())
    }

    /// The longest that was under way after the mark; `None` while one is delayed.
    fn longest(&self, all: impl Iterator<Item = (Instant, Option<Instant>)>) -> Option<f64> {
        let mut longest = Duration::ZERO;
        for (asked, done) in all {
            match done {
                Some(done) if done > self.mark => longest = longest.max(done - asked),
                None if self.now - asked > self.slow => return None,
                _ => (),
            }
        }
        Some(longest.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::Times;
    use std::time::{Duration, Instant};

    #[test]
    fn it_is_over_when_the_last_that_was_held_up_is_done() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let times = Times { mark: at(10), now: at(40), slow: Duration::from_secs(2) };
        let over = |all: &[(u64, Option<u64>)]| {
            let all = all.iter().map(|(asked, done)| (at(*asked), done.map(at)));
            (times.until_over(all.clone()), times.longest(all))
        };
        assert_eq!(over(&[(1, Some(9)), (10, Some(11)), (20, Some(22))]), (Some(0.0), Some(2.0)));
        assert_eq!(over(&[(9, Some(13)), (12, Some(17)), (39, None)]), (Some(7.0), Some(5.0)));
        assert_eq!(over(&[(12, Some(17)), (30, None)]), (None, None));
    }
}
