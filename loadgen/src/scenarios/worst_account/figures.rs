//! The latencies of the others and the server's memory, against the bounds.

use super::{
    WorstAccount,
    tally::{Acts, Tally},
};
use crate::{
    report::Report,
    stats::Quantiles,
    traffic::{oracle::Verdict, phase::Phase},
};
use anyhow::Result;
use serde::Serialize;

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Bounds {
    /// Send to acknowledgement (milliseconds).
    pub(super) p99: f64,
    /// Of one process (MiB).
    pub(super) memory: f64,
}

/// The memory of the largest process (KiB).
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Memory {
    pub(super) before: Option<u64>,
    pub(super) most: Option<u64>,
    pub(super) after: Option<u64>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Figures {
    bounds: Bounds,
    /// Acknowledgements of the others, alone.
    quiet: Quantiles,
    /// Acknowledgements of the others, while the account acts.
    worst: Quantiles,
    delivered: Quantiles,
    memory: Memory,
    acts: Vec<Acts>,
    verdict: Verdict,
}

impl Figures {
    pub(super) fn new(
        bounds: Bounds,
        [quiet, worst]: [Phase; 2],
        memory: Memory,
        tallies: Vec<Tally>,
        verdict: Verdict,
    ) -> Self {
        let (quiet, delivered) = (quiet.send_to_ack, worst.send_to_delivered);
        let acts = tallies.into_iter().map(Tally::sum).collect();
        Self { bounds, quiet, worst: worst.send_to_ack, delivered, memory, acts, verdict }
    }

    pub(super) fn report(&self, settings: &WorstAccount) -> Result<Report> {
        let WorstAccount { target, seconds, .. } = settings;
        let title = format!("worst account: {seconds} s at default limits, {}", target.describe());
        let mut report = Report::new(title, self)?;
        let Self { bounds, quiet, worst, delivered, memory, acts, verdict } = self;
        report.latencies(acts.iter().map(|act| (act.name, act.done)));
        for Acts { name, others, .. } in acts.iter().filter(|act| !act.others.is_empty()) {
            report.line(format_args!("{name}, not done: {others:?}"));
        }
        let named = [
            ("others, ack alone", quiet),
            ("others, ack meanwhile", worst),
            ("others, delivered meanwhile", delivered),
        ];
        report.latencies(named.map(|(name, latency)| (name, *latency)));
        let [before, most, after] = [memory.before, memory.most, memory.after].map(|kib| kib.map_or(0.0, mib));
        report.line(format_args!(
            "memory of a process: {before:.0} MiB before, {most:.0} at most, {after:.0} ten seconds after"
        ));
        report.check(format_args!("ack p99 {:.1} ms, of {:.0}", worst.p99, bounds.p99), worst.p99 < bounds.p99);
        report.check(format_args!("memory {most:.0} MiB, of {:.0}", bounds.memory), most <= bounds.memory);
        report.oracle(" of the others", verdict);
        Ok(report)
    }
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}
