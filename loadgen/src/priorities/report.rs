//! What the turns measured, as a table or as JSON.

use super::{Settings, Turns, ledger::Measured};
use crate::{
    machine::{self, Cost, Spent, Usage},
    rooms::{board::Board, failure::Phase, oracle::Verdict, resilience::Resilience},
    stats::Quantiles,
};
use anyhow::Result;
use serde::Serialize;
use std::io::Write;

/// One turn.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Turn {
    /// Messages posted in it.
    high: Option<Phase>,
    /// Reactions.
    pub(super) medium: Option<Measured>,
    /// For each thousand of the messages and the accepted reactions.
    cpu_seconds_per_1000: Spent,
    processes: Vec<Cost>,
}

/// What the oracle found of the reactions.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Flooding {
    pub(super) is_clean: bool,
    /// Whether all was answered and had arrived in time after the last turn.
    pub(super) is_settled: bool,
    /// Acknowledged, and not in the log; none where the log cannot be seen.
    pub(super) lost: Option<usize>,
    /// Stored, and not delivered to every member.
    pub(super) undelivered: usize,
    pub(super) faults: Vec<String>,
}

/// The whole run.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    scenario: String,
    alone: Turn,
    capacity: Turn,
    at_80_percent: Turn,
    flooded: Turn,
    /// Send to delivered, p50 and p99: flooded, of alone.
    ratio_p50: f64,
    ratio_p99: f64,
    disk_sync: Quantiles,
    resilience: Resilience,
    verdict: Verdict,
    flooding: Flooding,
}

impl Turn {
    /// With what it cost between two looks.
    pub(super) fn new(
        high: Option<Phase>,
        medium: Option<Measured>,
        messages: usize,
        before: &[Usage],
        after: &[Usage],
    ) -> Self {
        let accepted = medium.as_ref().map_or(0, |medium| medium.counts.accepted);
        let (cpu_seconds_per_1000, processes) = machine::costs(before, after, messages + accepted);
        Self { high, medium, cpu_seconds_per_1000, processes }
    }

    fn delivered(&self) -> Quantiles {
        self.high.map(|high| high.send_to_delivered).unwrap_or_default()
    }

    fn print(&self, out: &mut impl Write, name: &str) -> Result<()> {
        writeln!(out, "{name}:")?;
        if let Some(Phase { send_to_ack: ack, send_to_delivered: delivered }) = &self.high {
            let Quantiles { count, p50, p99, max } = delivered;
            writeln!(
                out,
                "  posting: ack p50/p99 ms {:.2} / {:.2}, delivered p50/p99/max ms {p50:.2} / {p99:.2} / {max:.1} ({count})",
                ack.p50, ack.p99,
            )?;
        }
        if let Some(medium) = &self.medium {
            let Measured { send_to_ack: ack, send_to_delivered: delivered, counts, .. } = medium;
            writeln!(
                out,
                "  reactions/s: {:.0} offered, {:.0} accepted, {:.0} refused; deliveries/s {:.0}; ack p50/p99 ms {:.1} / \
                 {:.1}, delivered p50/p99 ms {:.1} / {:.1}",
                medium.offered_per_second,
                medium.accepted_per_second,
                medium.refused_per_second,
                medium.deliveries_per_second,
                ack.p50,
                ack.p99,
                delivered.p50,
                delivered.p99,
            )?;
            writeln!(
                out,
                "  {} sent, {} held back, {} stored, refused {:?}, {} unanswered, reconnects {:?}",
                counts.sent, counts.held_back, counts.stored, counts.refused, counts.unanswered, counts.reconnects,
            )?;
            if counts.low_sent > 0 {
                let (sent, refused, received) = (counts.low_sent, counts.low_refused, counts.low_received);
                writeln!(out, "  signals: {sent} sent, {refused} refused, {received} arrived, at all others together")?;
            }
        }
        let costs: Vec<_> = self.processes.iter().map(Cost::in_words).collect();
        let total = self.cpu_seconds_per_1000.total;
        Ok(writeln!(out, "  {total:.3} CPU-s per 1,000 without the client: {}", costs.join(", "))?)
    }
}

impl Report {
    /// Of all turns.
    pub(super) fn new(
        settings: &Settings,
        board: &Board,
        turns: Turns,
        disk_sync: Quantiles,
        verdict: Verdict,
        flooding: Flooding,
    ) -> Self {
        let Settings { target, users, flooders, room, content, rate, times, low, .. } = settings;
        let Turns { alone, capacity, at_80_percent, flooded } = turns;
        let ratio = |of: fn(Quantiles) -> f64| of(flooded.delivered()) / of(alone.delivered()).max(1e-3);
        Self {
            scenario: format!(
                "priorities: {users} sockets in rooms of {room} post {rate} messages of {content} bytes a second; {flooders} \
                 flood with {times} times what reactions can be and {low} signals a second; {}",
                target.in_words(),
            ),
            ratio_p50: ratio(|quantiles| quantiles.p50),
            ratio_p99: ratio(|quantiles| quantiles.p99),
            alone,
            capacity,
            at_80_percent,
            flooded,
            disk_sync,
            resilience: board.resilience().clone(),
            verdict,
            flooding,
        }
    }

    /// Whether the oracle found nothing wrong.
    pub(super) fn is_clean(&self) -> bool {
        self.verdict.is_clean() && self.flooding.is_clean
    }

    /// To standard output.
    pub(super) fn print(&self, json: bool) -> Result<()> {
        let mut out = std::io::stdout().lock();
        if json {
            serde_json::to_writer_pretty(&mut out, self)?;
            return Ok(writeln!(out)?);
        }
        writeln!(out, "{}", self.scenario)?;
        self.alone.print(&mut out, "alone")?;
        self.capacity.print(&mut out, "capacity")?;
        self.at_80_percent.print(&mut out, "at 80 %")?;
        self.flooded.print(&mut out, "flooded")?;
        let Self { ratio_p50, ratio_p99, disk_sync, verdict, flooding, .. } = self;
        writeln!(out, "delivered, flooded of alone: p50 {ratio_p50:.2}, p99 {ratio_p99:.2}")?;
        writeln!(out, "disk p50/max ms {:.2} / {:.1}", disk_sync.p50, disk_sync.max)?;
        let Resilience { reconnects, refused, .. } = self.resilience;
        writeln!(out, "those who post: {reconnects} reconnects, {refused} refused for now")?;
        writeln!(
            out,
            "oracle: {}",
            if self.is_clean() { "nothing lost, nothing doubled, all in order" } else { "FAULTS" }
        )?;
        if !self.is_clean() {
            writeln!(out, "  {verdict:?}\n  {flooding:?}")?;
        }
        Ok(())
    }
}
