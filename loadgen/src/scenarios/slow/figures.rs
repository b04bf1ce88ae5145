//! What became of those who stalled, and the report.

use super::{Slow, reader::Seen};
use crate::{
    report::Report,
    stats::Quantiles,
    traffic::{Measured, board::Board, oracle::Verdict, seed::Seeded},
};
use anyhow::Result;
use serde::Serialize;
use std::collections::BTreeMap;

/// The most faults that are listed.
const LISTED: usize = 20;

/// What became of the people who stalled.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stalled {
    readers: usize,
    /// Readers to whom not everything had arrived within the time limit.
    unfinished: usize,
    /// Messages of its room that did not arrive at a reader, and messages that are of no room or not acknowledged.
    missed: usize,
    strange: usize,
    /// Ends of their sockets, by reason.
    ended: BTreeMap<String, usize>,
    /// From the end of the stall until all that they had missed had arrived.
    caught_up: Quantiles,
    faults: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Figures {
    pub(super) alone: Measured,
    pub(super) stalling: Measured,
    pub(super) after: Measured,
    pub(super) stalled: Stalled,
    pub(super) disk_sync: Quantiles,
    pub(super) verdict: Verdict,
}

impl Stalled {
    /// Compares what each of so many readers received with what was posted into its room.
    pub(super) fn judge(seen: Vec<Seen>, readers: usize, board: &Board, seeded: &Seeded) -> Self {
        let mut rooms: Vec<Vec<u64>> = vec![Vec::new(); seeded.rooms.len()];
        for message in board.messages().iter().filter(|message| message.position > 0) {
            rooms[seeded.seats[message.sender].room].push(message.position);
        }
        rooms.iter_mut().for_each(|positions| positions.sort_unstable());
        let mut stalled = Self { readers, unfinished: readers - seen.len(), ..Self::default() };
        let mut times = Vec::new();
        for Seen { room, positions, ended, caught_up_after, faults } in seen {
            let (missed, strange) = differences(&rooms[room], &positions);
            stalled.missed += missed;
            stalled.strange += strange;
            for (reason, count) in ended {
                *stalled.ended.entry(reason).or_default() += count;
            }
            times.extend(caught_up_after);
            stalled.faults.extend(faults);
        }
        stalled.faults.truncate(LISTED);
        stalled.caught_up = Quantiles::of(times);
        stalled
    }

    fn is_clean(&self) -> bool {
        self.unfinished == 0 && self.missed == 0 && self.strange == 0 && self.faults.is_empty()
    }
}

/// The number of positions that are in the first list only, and in the second only. Both rise.
fn differences(posted: &[u64], received: &[u64]) -> (usize, usize) {
    let lacks = |those: &[u64], of: &[u64]| of.iter().filter(|one| those.binary_search(one).is_err()).count();
    (lacks(received, posted), lacks(posted, received))
}

impl Figures {
    pub(super) fn report(&self, settings: &Slow) -> Result<Report> {
        let Slow { target, posting, users, room, stalled, stall } = settings;
        let title = format!(
            "slow: {stalled} members of each room read nothing for {stall} s, while {users} sockets in rooms of {room} post {} \
             messages of {} a second; {}",
            posting.rate,
            posting.content.describe(),
            target.describe(),
        );
        let mut report = Report::new(title, self)?;
        let Self { alone, stalling, after, stalled, disk_sync, verdict } = self;
        let turns = [("all read", alone), ("some stall", stalling), ("they catch up", after)];
        report.phases(turns.map(|(name, turn)| (name, turn.posting)));
        for (name, turn) in turns {
            report.costs(name, &turn.cpu_seconds_per_1000, &turn.processes);
        }
        let Stalled { readers, unfinished, missed, strange, ended, caught_up, faults } = stalled;
        report.line(format_args!("{readers} readers stalled; their sockets ended: {ended:?}"));
        report.latencies([("caught up", *caught_up)]);
        report.disk(*disk_sync);
        report.check(
            format_args!(
                "they miss nothing: unfinished {unfinished}, missed {missed}, strange {strange}, faults {faults:?}"
            ),
            stalled.is_clean(),
        );
        report.oracle(" of the others", verdict);
        for (name, turn) in turns {
            report.curves(name, turn);
        }
        Ok(report)
    }
}

#[cfg(test)]
mod tests {
    use super::differences;

    #[test]
    fn what_only_one_side_has_is_a_difference() {
        assert_eq!(differences(&[1, 4, 7], &[1, 4, 7]), (0, 0));
        assert_eq!(differences(&[1, 4, 7], &[1, 7, 9]), (1, 1));
    }
}
