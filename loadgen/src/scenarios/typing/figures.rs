//! The figures of the turns, and their report.

use super::{Typing, tally::Counted};
use crate::{
    report::Report,
    server::Signals,
    stats::{Quantiles, median},
    traffic::{Measured, Pace, oracle::Verdict},
};
use anyhow::Result;
use serde::Serialize;

/// The signals of the large room in a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Room {
    sent_per_second: f64,
    refused: u64,
    /// Sockets that ended and came back.
    reconnects: u64,
    /// Signals a second received by one socket: the least, the mean, the most.
    received_per_second: [f64; 3],
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Turn {
    #[serde(flatten)]
    pub(super) measured: Measured,
    pub(super) room: Room,
    /// The server's own counts; empty if it does not publish them to us.
    pub(super) signals: Signals,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Figures {
    /// Pairs: alone, and while others type.
    turns: Vec<[Turn; 2]>,
    /// Medians: alone, and while others type.
    send_to_delivered_p50: [f64; 2],
    send_to_delivered_p99: [f64; 2],
    received_per_second: f64,
    disk_sync: Quantiles,
    verdict: Verdict,
}

impl Room {
    /// Rates between two counts.
    pub(super) fn between(before: &Counted, after: &Counted, seconds: f64) -> Self {
        let rate = |before: u64, after: u64| after.saturating_sub(before) as f64 / seconds;
        let each: Vec<_> =
            before.received.iter().zip(&after.received).map(|(before, after)| rate(*before, *after)).collect();
        let least = each.iter().copied().reduce(f64::min).unwrap_or_default();
        let most = each.iter().copied().reduce(f64::max).unwrap_or_default();
        Self {
            sent_per_second: rate(before.sent, after.sent),
            refused: after.refused - before.refused,
            reconnects: after.reconnects - before.reconnects,
            received_per_second: [least, each.iter().sum::<f64>() / each.len().max(1) as f64, most],
        }
    }
}

impl Figures {
    pub(super) fn new(turns: Vec<[Turn; 2]>, disk_sync: Quantiles, verdict: Verdict) -> Self {
        let of = |turn: usize, value: fn(&Turn) -> f64| median(turns.iter().map(|turns| value(&turns[turn])).collect());
        let both = |value: fn(&Turn) -> f64| [of(0, value), of(1, value)];
        Self {
            send_to_delivered_p50: both(|turn| turn.measured.posting.send_to_delivered.p50),
            send_to_delivered_p99: both(|turn| turn.measured.posting.send_to_delivered.p99),
            received_per_second: of(1, |turn| turn.room.received_per_second[1]),
            turns,
            disk_sync,
            verdict,
        }
    }

    pub(super) fn report(&self, settings: &Typing) -> Result<Report> {
        let Typing { target, posting: Pace { content, rate, .. }, room, typists, pace, users, members, .. } = settings;
        let title = format!(
            "typing: {typists} of {room} in a room type, {pace} times a second each; {users} sockets in rooms of {members} \
             post {rate} messages of {} a second; {}",
            content.describe(),
            target.describe(),
        );
        let mut report = Report::new(title, self)?;
        let turns = || self.turns.iter().flat_map(|pair| ["alone", "typing"].into_iter().zip(pair));
        report.phases(turns().map(|(name, turn)| (name, turn.measured.posting)));
        for (name, Turn { measured, room, signals }) in turns() {
            report.costs(name, &measured.cpu_seconds_per_1000, &measured.processes);
            let Room { sent_per_second: sent, refused, reconnects, received_per_second: [least, mean, most] } = room;
            if *sent > 0.0 {
                report.line(format_args!(
                    "  {sent:.1} commands a second ({refused} refused, {reconnects} reconnects); each client received \
                     {mean:.2} signals a second ({least:.2} to {most:.2}); the server counts {}",
                    signals.describe(),
                ));
            }
        }
        let Self { send_to_delivered_p50: p50, send_to_delivered_p99: p99, received_per_second, disk_sync, .. } = self;
        report.line(format_args!(
            "median: delivered p50/p99 ms {:.2} / {:.2} alone, {:.2} / {:.2} while others type; each client received \
             {received_per_second:.2} signals a second",
            p50[0], p99[0], p50[1], p99[1],
        ));
        report.disk(*disk_sync);
        report.oracle("", &self.verdict);
        for ((name, turn), number) in turns().zip(0..) {
            report.curves(&format!("{name}, run {}", number / 2 + 1), &turn.measured);
        }
        Ok(report)
    }
}

#[cfg(test)]
mod tests {
    use super::{Counted, Room};

    #[test]
    fn rates_are_those_between_two_counts() {
        let counted = |sent, received: [u64; 2]| Counted { sent, received: received.to_vec(), ..Counted::default() };
        let room = Room::between(&counted(10, [5, 100]), &counted(30, [15, 130]), 10.0);
        assert_eq!((room.sent_per_second, room.received_per_second), (2.0, [1.0, 2.0, 3.0]));
    }
}
