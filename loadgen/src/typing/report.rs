//! What the turns measured, as a table or as JSON.

use super::{Settings, tally::Counted};
use crate::{
    machine::{self, Cost, Spent, Usage},
    rooms::{failure::Phase, oracle::Verdict},
    server::Signals,
    stats::{Quantiles, median},
};
use anyhow::Result;
use serde::Serialize;
use std::io::Write;

/// What those of the large room said and were told in a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Told {
    /// Times a second that somebody said they type.
    sent_per_second: f64,
    refused: u64,
    /// Sockets that ended and came back.
    reconnects: u64,
    /// Signals a second that a socket was told: the least, on average, the most.
    received_per_second: [f64; 3],
}

/// One turn.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Turn {
    posting: Phase,
    told: Told,
    /// By the server's own count; none when it does not tell us.
    signals: Signals,
    /// For each thousand of the messages.
    cpu_seconds_per_1000: Spent,
    processes: Vec<Cost>,
}

/// The whole run.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    scenario: String,
    /// Pairs: alone, and while others type.
    turns: Vec<[Turn; 2]>,
    /// Medians: alone, and while others type.
    send_to_delivered_p50: [f64; 2],
    send_to_delivered_p99: [f64; 2],
    received_per_second: f64,
    disk_sync: Quantiles,
    verdict: Verdict,
}

impl Told {
    /// From what was counted before to what was after so many seconds.
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

impl Turn {
    /// With what it cost between two looks.
    pub(super) fn new(posting: Phase, told: Told, signals: Signals, usage: [&[Usage]; 2], messages: usize) -> Self {
        let (cpu_seconds_per_1000, processes) = machine::costs(usage[0], usage[1], messages);
        Self { posting, told, signals, cpu_seconds_per_1000, processes }
    }

    fn print(&self, out: &mut impl Write, name: &str) -> Result<()> {
        let Phase { send_to_ack: ack, send_to_delivered: Quantiles { count, p50, p99, max } } = self.posting;
        writeln!(
            out,
            "{name}: ack p50/p99 ms {:.2} / {:.2}, delivered p50/p99/max ms {p50:.2} / {p99:.2} / {max:.1} ({count})",
            ack.p50, ack.p99,
        )?;
        let Told { sent_per_second: sent, refused, reconnects, received_per_second: [least, mean, most] } = self.told;
        if sent > 0.0 {
            writeln!(
                out,
                "  typing: said {sent:.1} times a second ({refused} refused, {reconnects} reconnects); each client was told \
                 {mean:.2} signals a second ({least:.2} to {most:.2})",
            )?;
            writeln!(out, "  the server counts {}", self.signals.in_words())?;
        }
        let costs: Vec<_> = self.processes.iter().map(Cost::in_words).collect();
        let total = self.cpu_seconds_per_1000.total;
        Ok(writeln!(out, "  {total:.3} CPU-s per 1,000 messages without the client: {}", costs.join(", "))?)
    }
}

impl Report {
    /// Of all turns.
    pub(super) fn new(settings: &Settings, turns: Vec<[Turn; 2]>, disk_sync: Quantiles, verdict: Verdict) -> Self {
        let Settings { target, room, typists, pace, users, members, rate, content, .. } = settings;
        let of = |turn: usize, value: fn(&Turn) -> f64| median(turns.iter().map(|turns| value(&turns[turn])).collect());
        let both = |value: fn(&Turn) -> f64| [of(0, value), of(1, value)];
        Self {
            scenario: format!(
                "typing: {typists} of {room} in a room type, {pace} times a second each; {users} sockets in rooms of \
                 {members} post {rate} messages of {content} bytes a second; {}",
                target.in_words(),
            ),
            send_to_delivered_p50: both(|turn| turn.posting.send_to_delivered.p50),
            send_to_delivered_p99: both(|turn| turn.posting.send_to_delivered.p99),
            received_per_second: of(1, |turn| turn.told.received_per_second[1]),
            turns,
            disk_sync,
            verdict,
        }
    }

    /// Whether the oracle found nothing wrong.
    pub(super) fn is_clean(&self) -> bool {
        self.verdict.is_clean()
    }

    /// To standard output.
    pub(super) fn print(&self, json: bool) -> Result<()> {
        let mut out = std::io::stdout().lock();
        if json {
            serde_json::to_writer_pretty(&mut out, self)?;
            return Ok(writeln!(out)?);
        }
        writeln!(out, "{}", self.scenario)?;
        for [alone, typing] in &self.turns {
            alone.print(&mut out, "alone")?;
            typing.print(&mut out, "typing")?;
        }
        let Self { send_to_delivered_p50: p50, send_to_delivered_p99: p99, received_per_second, disk_sync, .. } = self;
        writeln!(
            out,
            "median: delivered p50/p99 ms {:.2} / {:.2} alone, {:.2} / {:.2} while others type; each client was told \
             {received_per_second:.2} signals a second",
            p50[0], p99[0], p50[1], p99[1],
        )?;
        writeln!(out, "disk p50/max ms {:.2} / {:.1}", disk_sync.p50, disk_sync.max)?;
        let verdict = if self.is_clean() { "nothing lost, nothing doubled, all in order" } else { "FAULTS" };
        writeln!(out, "oracle: {verdict}")?;
        if !self.is_clean() {
            writeln!(out, "  {:?}", self.verdict)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Counted, Told};

    #[test]
    fn what_each_was_told_is_what_came_in_between() {
        let counted = |sent, received: [u64; 2]| Counted { sent, received: received.to_vec(), ..Counted::default() };
        let told = Told::between(&counted(10, [5, 100]), &counted(30, [15, 130]), 10.0);
        assert_eq!((told.sent_per_second, told.received_per_second), (2.0, [1.0, 2.0, 3.0]));
    }
}
