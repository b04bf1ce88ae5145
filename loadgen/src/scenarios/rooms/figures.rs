//! The figures of the runs, and their report.

use super::{
    Rounds,
    failure::{Failures, Phases},
};
use crate::{
    machine::{Cost, Samples, Spent, Track},
    report::Report,
    stats::{Quantiles, median},
    traffic::{
        board::Board,
        curve::{Point, curve},
        oracle::Verdict,
        phase::Phase,
        resilience::Resilience,
    },
};
use anyhow::Result;
use serde::Serialize;
use serde_json::json;
use std::{ops::Range, time::Instant};

/// A durable page that took longer marks a run as made on a stalled disk (milliseconds).
const STALL: f64 = 50.0;

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Run {
    messages_per_second: f64,
    deliveries_per_second: f64,
    #[serde(flatten)]
    latencies: Phase,
    cpu_seconds_per_1000: Spent,
    processes: Vec<Cost>,
    curve: Vec<Point>,
    usage: Vec<Track>,
    disk_sync: Quantiles,
    disk_stalled: bool,
    pub(super) sent: usize,
    resilience: Resilience,
    /// Latencies before, during and after the failure; `None` without one.
    phases: Option<Phases>,
    verdict: Verdict,
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
    /// The figures of `window`: a message counts if its last delivery is in it, a latency if the message was due in it.
    pub(crate) fn new(
        board: &Board,
        window: &Range<Instant>,
        samples: &Samples,
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
        let (cpu_seconds_per_1000, processes) = samples.costs(complete);
        Self {
            messages_per_second: complete as f64 / seconds,
            deliveries_per_second: deliveries as f64 / seconds,
            latencies: Phase::of(messages.iter().filter(|message| window.contains(&message.due))),
            cpu_seconds_per_1000,
            processes,
            curve: curve(&messages, window),
            usage: samples.tracks(),
            disk_sync: disk,
            disk_stalled: disk.max > STALL,
            sent: messages.len(),
            resilience: board.resilience().clone().with(*board.silence()),
            phases: Phases::of(&messages, window, failures),
            verdict,
        }
    }

    fn row(&self, number: usize) -> Vec<String> {
        let Self { cpu_seconds_per_1000: cpu, disk_sync, .. } = self;
        let stalled = if self.disk_stalled { " (stalled)" } else { "" };
        let mut row = vec![number.to_string()];
        row.extend([self.messages_per_second, self.deliveries_per_second].map(|rate| format!("{rate:.0}")));
        row.extend([cpu.server, cpu.postgres, cpu.client].map(|seconds| format!("{seconds:.3}")));
        row.push(format!("{:.2} / {:.1}{stalled}", disk_sync.p50, disk_sync.max));
        row
    }

    fn describe_failures(&self, report: &mut Report, number: usize) {
        let Resilience { reconnects, ended, resent, refused, gaps_repaired, events_repaired, .. } = &self.resilience;
        let Resilience { longest_away, longest_silence, longest_silence_anywhere, .. } = &self.resilience;
        if self.phases.is_some() || *reconnects + *refused > 0 {
            report.line(format_args!(
                "run {number}: {reconnects} reconnects {ended:?}, {resent} resent, {refused} refused for now, {gaps_repaired} \
                 gaps of {events_repaired} events repaired; ms: longest away {longest_away:.0}, nothing at one socket \
                 {longest_silence:.0}, nothing anywhere {longest_silence_anywhere:.0}",
            ));
        }
        let Some(Phases { before, during, after, disturbed }) = &self.phases else { return };
        report.phases([("before", *before), ("during", *during), ("after", *after)]);
        report.line(format_args!("disturbed for {disturbed:.1} s"));
    }
}

pub(super) fn report(rounds: &Rounds<'_>, runs: Vec<Run>) -> Result<Report> {
    let Rounds { target, users, room, content, rate, is_direct, .. } = rounds;
    let mode = rate.map_or_else(|| format!("closed, {users} outstanding"), |rate| format!("open, {rate}/s"));
    let scenario = match is_direct {
        true => format!("direct: {users} sockets in direct conversations"),
        false => format!("rooms: {users} sockets in rooms of {room}"),
    };
    let title = format!("{scenario}, {}, {mode}, {}", content.describe(), target.describe());
    let of = |value: fn(&Run) -> f64| median(runs.iter().map(value).collect());
    let median = Summary {
        messages_per_second: of(|run| run.messages_per_second),
        deliveries_per_second: of(|run| run.deliveries_per_second),
        send_to_ack_p50: of(|run| run.latencies.send_to_ack.p50),
        send_to_delivered_p50: of(|run| run.latencies.send_to_delivered.p50),
        send_to_delivered_p99: of(|run| run.latencies.send_to_delivered.p99),
        server_cpu_seconds_per_1000: of(|run| run.cpu_seconds_per_1000.total),
    };
    let mut report = Report::new(title, json!({"runs": runs, "median": median}))?;
    let numbered = || (1..).zip(&runs);
    let cpu = "CPU-s per 1,000: server";
    report.table(
        &["run", "messages/s", "deliveries/s", cpu, "postgres", "client", "disk p50 / max ms"],
        numbered().map(|(number, run)| run.row(number)),
    );
    report.phases(numbered().map(|(number, run)| (format!("run {number}"), run.latencies)));
    for (number, run) in numbered() {
        report.costs(&format!("run {number}"), &run.cpu_seconds_per_1000, &run.processes);
        run.describe_failures(&mut report, number);
    }
    let Summary { messages_per_second, deliveries_per_second, .. } = median;
    report.line(format_args!("median: {messages_per_second:.0} messages/s, {deliveries_per_second:.0} deliveries/s"));
    for (number, run) in numbered() {
        report.oracle(&format!(", run {number}, {} sent", run.sent), &run.verdict);
    }
    for (number, run) in numbered() {
        report.rates(&format!("run {number}"), &run.curve);
        report.usage(&format!("run {number}"), &run.usage);
    }
    Ok(report)
}
