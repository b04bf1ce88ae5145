//! What a run measured, as a table or as JSON.

use super::{Settings, board::Board, oracle::Verdict};
use crate::{
    machine::{self, Cost, Spent, Usage},
    stats::{Quantiles, median},
};
use anyhow::Result;
use serde::Serialize;
use std::{io::Write, ops::Range, time::Instant};

/// A durable page that took longer marks a run as made on a stalled disk (milliseconds).
const STALL: f64 = 50.0;

/// One run.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Run {
    messages_per_second: f64,
    deliveries_per_second: f64,
    send_to_ack: Quantiles,
    send_to_delivered: Quantiles,
    cpu_seconds_per_1000: Spent,
    processes: Vec<Cost>,
    disk_sync: Quantiles,
    disk_stalled: bool,
    sent: usize,
    verdict: Verdict,
}

/// All runs and their medians.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    scenario: String,
    runs: Vec<Run>,
    median: Summary,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    messages_per_second: f64,
    deliveries_per_second: f64,
    send_to_ack_p50: f64,
    send_to_delivered_p50: f64,
    send_to_delivered_p99: f64,
    server_cpu_seconds_per_1000: f64,
}

impl Run {
    /// What happened within `window`: messages count when their last delivery falls into it, times when the
    /// message was sent in it.
    pub(crate) fn new(
        board: &Board,
        window: Range<Instant>,
        usage: &[Vec<Usage>; 2],
        disk: Quantiles,
        verdict: Verdict,
    ) -> Self {
        let messages = board.messages();
        let seconds = (window.end - window.start).as_secs_f64();
        let fan_out = messages.iter().map(|message| message.delivered.len()).max().unwrap_or_default();
        let is_complete =
            |times: &[Instant]| times.len() == fan_out && times.last().is_some_and(|t| window.contains(t));
        let complete = messages.iter().filter(|message| is_complete(&message.delivered)).count();
        let deliveries = messages.iter().flat_map(|message| &message.delivered).filter(|t| window.contains(*t)).count();
        let timed = || messages.iter().filter(|message| window.contains(&message.sent));
        let acks = timed().filter_map(|message| Some(message.acknowledged? - message.sent));
        let arrivals = timed().flat_map(|message| message.delivered.iter().map(|at| *at - message.sent));
        let [before, after] = usage;
        let (cpu_seconds_per_1000, processes) = machine::costs(before, after, complete);
        Self {
            messages_per_second: complete as f64 / seconds,
            deliveries_per_second: deliveries as f64 / seconds,
            send_to_ack: Quantiles::of(acks.collect()),
            send_to_delivered: Quantiles::of(arrivals.collect()),
            cpu_seconds_per_1000,
            processes,
            disk_sync: disk,
            disk_stalled: disk.max > STALL,
            sent: messages.len(),
            verdict,
        }
    }
}

impl Report {
    /// Of all runs.
    pub(crate) fn new(settings: &Settings, runs: Vec<Run>) -> Self {
        let Settings { target, users, room, content, rate, .. } = settings;
        let mode = rate.map_or_else(|| format!("closed, {users} outstanding"), |rate| format!("open, {rate}/s"));
        let of = |value: fn(&Run) -> f64| median(runs.iter().map(value).collect());
        let median = Summary {
            messages_per_second: of(|run| run.messages_per_second),
            deliveries_per_second: of(|run| run.deliveries_per_second),
            send_to_ack_p50: of(|run| run.send_to_ack.p50),
            send_to_delivered_p50: of(|run| run.send_to_delivered.p50),
            send_to_delivered_p99: of(|run| run.send_to_delivered.p99),
            server_cpu_seconds_per_1000: of(|run| run.cpu_seconds_per_1000.total),
        };
        let scenario =
            format!("rooms: {users} sockets in rooms of {room}, {content} bytes, {mode}, {}", target.in_words());
        Self { scenario, runs, median }
    }

    /// Whether the oracle found nothing wrong in any run.
    pub(crate) fn is_clean(&self) -> bool {
        self.runs.iter().all(|run| run.verdict.is_clean())
    }

    /// To standard output.
    pub(crate) fn print(&self, json: bool) -> Result<()> {
        let mut out = std::io::stdout().lock();
        if json {
            serde_json::to_writer_pretty(&mut out, self)?;
            writeln!(out)?;
            return Ok(());
        }
        writeln!(out, "{}", self.scenario)?;
        writeln!(
            out,
            "run  messages/s  deliveries/s  ack p50/p99 ms   delivered p50/p99 ms  CPU-s per 1,000: server postgres client  \
             disk p50/max ms"
        )?;
        for (number, run) in self.runs.iter().enumerate() {
            let Run { send_to_ack: ack, send_to_delivered: arrival, cpu_seconds_per_1000: cpu, disk_sync, .. } = run;
            writeln!(
                out,
                "{:>3}  {:>10.0}  {:>12.0}  {:>6.2} / {:>6.2}  {:>9.2} / {:>8.2}  {:>23.3} {:>8.3} {:>6.3}  {:>6.2} / {:.1}{}",
                number + 1,
                run.messages_per_second,
                run.deliveries_per_second,
                ack.p50,
                ack.p99,
                arrival.p50,
                arrival.p99,
                cpu.server,
                cpu.postgres,
                cpu.client,
                disk_sync.p50,
                disk_sync.max,
                if run.disk_stalled { "  (disk stalled)" } else { "" },
            )?;
        }
        for (number, run) in self.runs.iter().enumerate() {
            let total = run.cpu_seconds_per_1000.total;
            let costs: Vec<_> = run.processes.iter().map(Cost::in_words).collect();
            writeln!(out, "run {}: {total:.3} CPU-s per 1,000 without the client: {}", number + 1, costs.join(", "))?;
        }
        let Summary { messages_per_second, deliveries_per_second, .. } = self.median;
        writeln!(out, "median: {messages_per_second:.0} messages/s, {deliveries_per_second:.0} deliveries/s")?;
        for (number, run) in self.runs.iter().enumerate() {
            let Verdict { lost, doubled, unacknowledged, undelivered, faults } = &run.verdict;
            let verdict = if run.verdict.is_clean() { "nothing lost, nothing doubled, all in order" } else { "FAULTS" };
            writeln!(
                out,
                "oracle, run {}: {verdict} ({} sent; lost {lost}, doubled {doubled}, unacknowledged {unacknowledged}, \
                 undelivered {undelivered})",
                number + 1,
                run.sent,
            )?;
            for fault in faults {
                writeln!(out, "  {fault}")?;
            }
        }
        Ok(())
    }
}
