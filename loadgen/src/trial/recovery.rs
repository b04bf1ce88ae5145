//! How long it took until nothing was held up any more.

use super::reads::Reads;
use crate::rooms::board::Board;
use serde::Serialize;
use std::time::{Duration, Instant};

/// What counts as held up, and since when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// When it began.
    pub(super) mark: Instant,
    pub(super) now: Instant,
    /// What takes longer is held up.
    pub(super) slow: Duration,
}

/// Seconds from the mark until the last of what was held up was done; 0 when nothing was, null when something still is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Recovery {
    /// Sends, until they were acknowledged.
    commands: Option<f64>,
    /// Messages, until they had arrived at everybody.
    deliveries: Option<f64>,
    /// Reads, until they showed what had been acknowledged before: of the rooms that are told apart, if any are.
    reads: Option<f64>,
    /// The longest read of the other rooms that named no position (seconds); null when one is still held up.
    longest_read_elsewhere: Option<f64>,
    /// How many rooms are told apart.
    rooms: usize,
}

impl Recovery {
    /// What is known now; reads of `rooms` are told apart, of all when there are none.
    pub(super) fn of(times: &Times, board: &Board, reads: &Reads, rooms: &[usize]) -> Self {
        let messages = board.messages();
        let commands = messages.iter().map(|message| (message.sent, message.acknowledged));
        let arrived = |delivered: &[Instant]| (delivered.len() == board.fan_out()).then(|| delivered.last().copied());
        let deliveries = messages.iter().map(|message| (message.sent, arrived(&message.delivered).flatten()));
        let is_apart = |room| rooms.is_empty() || rooms.contains(&room);
        let (apart, elsewhere): (Vec<_>, Vec<_>) = reads.all().into_iter().partition(|read| is_apart(read.room));
        Self {
            commands: times.until_over(commands),
            deliveries: times.until_over(deliveries),
            reads: times.until_over(apart.iter().map(|read| (read.asked, read.shown))),
            // Who names a position waits for all partitions, also for those that nobody has.
            longest_read_elsewhere: times
                .longest(elsewhere.iter().filter(|read| !read.waits).map(|read| (read.asked, read.shown))),
            rooms: rooms.len(),
        }
    }

    /// Whether nothing is held up now.
    pub(super) const fn is_over(&self) -> bool {
        self.commands.is_some()
            && self.deliveries.is_some()
            && self.reads.is_some()
            && self.longest_read_elsewhere.is_some()
    }
}

impl Times {
    /// Of what was asked for at one time and done at another: seconds from the mark until the last that was held up was
    /// done; none when something is overdue now.
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

    /// The longest that was under way after the mark; none when something is overdue now.
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
