//! What a run measured, as a table or as JSON.

use super::{
    Settings,
    board::Board,
    failure::{Failures, Phase, Phases},
    oracle::Verdict,
    resilience::Resilience,
};
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
    resilience: Resilience,
    /// Times before, during and after what was taken away; none when nothing was.
    phases: Option<Phases>,
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
        window: &Range<Instant>,
        usage: &[Vec<Usage>; 2],
        disk: Quantiles,
        failures: &Failures,
        verdict: Verdict,
    ) -> Self {
        let messages = board.messages();
        let seconds = (window.end - window.start).as_secs_f64();
        let fan_out = messages.iter().map(|message| message.delivered.len()).max().unwrap_or_default();
        let is_complete =
            |times: &[Instant]| times.len() == fan_out && times.last().is_some_and(|t| window.contains(t));
        let complete = messages.iter().filter(|message| is_complete(&message.delivered)).count();
        let deliveries = messages.iter().flat_map(|message| &message.delivered).filter(|t| window.contains(*t)).count();
        let times = Phase::of(messages.iter().filter(|message| window.contains(&message.sent)));
        let [before, after] = usage;
        let (cpu_seconds_per_1000, processes) = machine::costs(before, after, complete);
        Self {
            messages_per_second: complete as f64 / seconds,
            deliveries_per_second: deliveries as f64 / seconds,
            send_to_ack: times.send_to_ack,
            send_to_delivered: times.send_to_delivered,
            cpu_seconds_per_1000,
            processes,
            disk_sync: disk,
            disk_stalled: disk.max > STALL,
            sent: messages.len(),
            resilience: board.resilience().clone().with(*board.silence()),
            phases: Phases::of(&messages, window, failures),
            verdict,
        }
    }
}

impl Run {
    fn print_failures(&self, out: &mut impl Write, number: usize) -> Result<()> {
        let Resilience { reconnects, ended, resent, refused, gaps_repaired, events_repaired, .. } = &self.resilience;
        let Resilience { longest_away, longest_silence, longest_silence_anywhere, .. } = &self.resilience;
        if self.phases.is_some() || *reconnects + *refused > 0 {
            writeln!(
                out,
                "run {number}: {reconnects} reconnects {ended:?}, {resent} resent, {refused} refused for now, {gaps_repaired} \
                 gaps of {events_repaired} events repaired; ms: longest away {longest_away:.0}, nothing at one socket \
                 {longest_silence:.0}, nothing anywhere {longest_silence_anywhere:.0}",
            )?;
        }
        let Some(Phases { before, during, after, disturbed }) = &self.phases else { return Ok(()) };
        for (name, Phase { send_to_ack: ack, send_to_delivered: arrival }) in
            [("before", before), ("during", during), ("after", after)]
        {
            writeln!(
                out,
                "  {name:<6} {:>7} deliveries, ack p50/p99/max ms {:.2} / {:.2} / {:.1}, delivered {:.2} / {:.2} / {:.1}",
                arrival.count, ack.p50, ack.p99, ack.max, arrival.p50, arrival.p99, arrival.max,
            )?;
        }
        Ok(writeln!(out, "  disturbed for {disturbed:.1} s")?)
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
        for (number, run) in self.runs.iter().enumerate() {
            run.print_failures(&mut out, number + 1)?;
        }
        let Summary { messages_per_second, deliveries_per_second, .. } = self.median;
        writeln!(out, "median: {messages_per_second:.0} messages/s, {deliveries_per_second:.0} deliveries/s")?;
        for (number, run) in self.runs.iter().enumerate() {
            let Verdict { lost, doubled, unacknowledged, undelivered, unlike_log, faults } = &run.verdict;
            let unlike_log = unlike_log.map(|count| format!(", unlike the log {count}")).unwrap_or_default();
            let verdict = if run.verdict.is_clean() { "nothing lost, nothing doubled, all in order" } else { "FAULTS" };
            writeln!(
                out,
                "oracle, run {}: {verdict} ({} sent; lost {lost}, doubled {doubled}, unacknowledged {unacknowledged}, \
                 undelivered {undelivered}{unlike_log})",
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
