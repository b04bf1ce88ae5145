//! The figures of the turns, and their report.

use super::{Tiers, ledger::Measured};
use crate::{
    machine::{Cost, Samples, Spent, Track},
    report::Report,
    stats::Quantiles,
    traffic::{Pace, curve::Point, oracle::Verdict, phase::Phase, resilience::Resilience},
};
use anyhow::Result;
use serde::Serialize;

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Turn {
    /// Messages posted in it.
    high: Option<Phase>,
    /// Reactions.
    pub(super) medium: Option<Measured>,
    /// For each thousand of the messages and the accepted reactions.
    cpu_seconds_per_1000: Spent,
    processes: Vec<Cost>,
    /// Of the messages.
    curve: Vec<Point>,
    usage: Vec<Track>,
}

/// Messages of the measured time.
pub(super) struct Posted {
    pub(super) phase: Phase,
    pub(super) curve: Vec<Point>,
}

/// The oracle's finding on the reactions.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Flooding {
    pub(super) is_clean: bool,
    /// Everything was answered and delivered in time after the last turn.
    pub(super) is_settled: bool,
    /// Acknowledged, and not in the log; `None` if the log cannot be read.
    pub(super) lost: Option<usize>,
    /// Stored, and not delivered to every member.
    pub(super) undelivered: usize,
    pub(super) faults: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Figures {
    pub(super) alone: Turn,
    pub(super) capacity: Turn,
    pub(super) at_80_percent: Turn,
    pub(super) flooded: Turn,
    pub(super) disk_sync: Quantiles,
    pub(super) resilience: Resilience,
    pub(super) verdict: Verdict,
    pub(super) flooding: Flooding,
}

impl Turn {
    pub(super) fn new(high: Option<Posted>, medium: Option<Measured>, messages: usize, samples: &Samples) -> Self {
        let accepted = medium.as_ref().map_or(0, |medium| medium.counts.accepted);
        let (cpu_seconds_per_1000, processes) = samples.costs(messages + accepted);
        let (high, curve) = high.map(|high| (high.phase, high.curve)).unzip();
        let curve = curve.unwrap_or_default();
        Self { high, medium, cpu_seconds_per_1000, processes, curve, usage: samples.tracks() }
    }

    fn delivered(&self) -> Quantiles {
        self.high.map(|high| high.send_to_delivered).unwrap_or_default()
    }

    fn describe(&self, report: &mut Report, name: &str) {
        report.line(format_args!("{name}:"));
        let reactions = self.medium.as_ref().map(|medium| Phase {
            send_to_ack: medium.send_to_ack,
            send_to_delivered: medium.send_to_delivered,
            ..Phase::default()
        });
        let phases = [("  posting", self.high), ("  reactions", reactions)];
        report.phases(phases.into_iter().filter_map(|(name, phase)| Some((name, phase?))));
        if let Some(medium) = &self.medium {
            let Measured { counts, .. } = medium;
            report.line(format_args!(
                "  reactions/s: {:.0} offered, {:.0} accepted, {:.0} refused; deliveries/s {:.0}",
                medium.offered_per_second,
                medium.accepted_per_second,
                medium.refused_per_second,
                medium.deliveries_per_second,
            ));
            report.line(format_args!(
                "  {} sent, {} held back, {} stored, refused {:?}, {} unanswered, reconnects {:?}",
                counts.sent, counts.held_back, counts.stored, counts.refused, counts.unanswered, counts.reconnects,
            ));
            if counts.low_sent > 0 {
                let (sent, refused, received) = (counts.low_sent, counts.low_refused, counts.low_received);
                report.line(format_args!("  signals: {sent} sent, {refused} refused, {received} received in total"));
                report.latencies([("  signals, received", medium.low_send_to_received)]);
            }
        }
        report.costs(" ", &self.cpu_seconds_per_1000, &self.processes);
    }
}

impl Figures {
    pub(super) fn report(&self, settings: &Tiers) -> Result<Report> {
        let Tiers { target, posting: Pace { content, rate, .. }, users, flooders, room, times, low, .. } = settings;
        let title = format!(
            "tiers: {users} sockets in rooms of {room} post {rate} messages of {} a second; {flooders} flood with {times} times \
             the capacity of reactions and {low} signals a second; {}",
            content.describe(),
            target.describe(),
        );
        let Self { alone, capacity, at_80_percent, flooded, disk_sync, resilience, verdict, flooding } = self;
        let ratio = |of: fn(Quantiles) -> f64| of(flooded.delivered()) / of(alone.delivered()).max(1e-3);
        let (ratio_p50, ratio_p99) = (ratio(|latency| latency.p50), ratio(|latency| latency.p99));
        let mut report = Report::new(title, self)?;
        report.figure("ratioP50", ratio_p50);
        report.figure("ratioP99", ratio_p99);
        for (name, turn) in [("alone", alone), ("capacity", capacity), ("at 80 %", at_80_percent), ("flooded", flooded)]
        {
            turn.describe(&mut report, name);
        }
        report.line(format_args!("delivered, flooded of alone: p50 {ratio_p50:.2}, p99 {ratio_p99:.2}"));
        report.disk(*disk_sync);
        let Resilience { reconnects, refused, .. } = resilience;
        report.line(format_args!("posting sockets: {reconnects} reconnects, {refused} refused for now"));
        report.oracle("", verdict);
        let Flooding { is_clean, is_settled, lost, undelivered, faults } = flooding;
        let lost = lost.unwrap_or_default();
        report.check(
            format_args!("reactions: settled {is_settled}, lost {lost}, undelivered {undelivered}, faults {faults:?}"),
            *is_clean,
        );
        for (name, turn) in [("alone", alone), ("flooded", flooded)] {
            report.rates(name, &turn.curve);
        }
        for (name, turn) in [("alone", alone), ("capacity", capacity), ("at 80 %", at_80_percent), ("flooded", flooded)]
        {
            report.usage(name, &turn.usage);
        }
        Ok(report)
    }
}
