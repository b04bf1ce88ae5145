//! What others felt, and what memory it took, against the bounds.

use super::tally::{Acts, Tally};
use crate::{
    rooms::{failure::Phase, oracle::Verdict},
    stats::Quantiles,
};
use anyhow::Result;
use serde::Serialize;
use std::io::Write;

/// What is bearable.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Bounds {
    /// Send to acknowledgement (milliseconds).
    pub(super) p99: f64,
    /// Of one process (MiB).
    pub(super) memory: f64,
}

/// Of the largest process (KiB).
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Memory {
    pub(super) before: Option<u64>,
    pub(super) most: Option<u64>,
    pub(super) after: Option<u64>,
}

/// All of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    scenario: String,
    bounds: Bounds,
    /// Of the others, alone.
    quiet: Quantiles,
    /// Of the others, while the account did its worst.
    worst: Quantiles,
    delivered: Quantiles,
    memory: Memory,
    acts: Vec<Acts>,
    verdict: Verdict,
}

impl Report {
    pub(super) fn new(
        server: String,
        seconds: u64,
        bounds: Bounds,
        [quiet, worst]: [Phase; 2],
        memory: Memory,
        tallies: Vec<Tally>,
        verdict: Verdict,
    ) -> Self {
        Self {
            scenario: format!("worst account: {seconds} s at default limits, {server}"),
            bounds,
            quiet: quiet.send_to_ack,
            worst: worst.send_to_ack,
            delivered: worst.send_to_delivered,
            memory,
            acts: tallies.into_iter().map(Tally::sum).collect(),
            verdict,
        }
    }

    /// Whether others could bear it.
    pub(super) fn is_borne(&self) -> bool {
        let most = self.memory.most.map(mib).unwrap_or_default();
        self.worst.p99 < self.bounds.p99 && most <= self.bounds.memory && self.verdict.is_clean()
    }

    /// To standard output.
    pub(super) fn print(&self, json: bool) -> Result<()> {
        let mut out = std::io::stdout().lock();
        if json {
            serde_json::to_writer_pretty(&mut out, self)?;
            return Ok(writeln!(out)?);
        }
        let Self { scenario, bounds, quiet, worst, delivered, memory, acts, verdict } = self;
        writeln!(out, "{scenario}")?;
        writeln!(out, "what the account did   done  p50/p99/max ms   otherwise")?;
        for Acts { name, done, others } in acts {
            let Quantiles { count, p50, p99, max } = done;
            writeln!(out, "{name:<23}{count:>6}  {p50:.0} / {p99:.0} / {max:.0}   {others:?}")?;
        }
        for (name, Quantiles { count, p50, p99, max }) in
            [("ack, alone", quiet), ("ack, meanwhile", worst), ("delivered, meanwhile", delivered)]
        {
            writeln!(out, "others, {name:<21} {count:>6}  p50/p99/max ms {p50:.2} / {p99:.2} / {max:.1}")?;
        }
        let size = |kib: Option<u64>| kib.map(mib).unwrap_or_default();
        let (before, most, after) = (size(memory.before), size(memory.most), size(memory.after));
        writeln!(out, "memory of a process: {before:.0} MiB before, {most:.0} at most, {after:.0} ten seconds after")?;
        let holds = |holds: bool| if holds { "ok  " } else { "MISS" };
        writeln!(out, "{} ack p99 {:.1} ms, of {:.0}", holds(worst.p99 < bounds.p99), worst.p99, bounds.p99)?;
        writeln!(out, "{} memory {most:.0} MiB, of {:.0}", holds(most <= bounds.memory), bounds.memory)?;
        writeln!(out, "{} oracle of the others", holds(verdict.is_clean()))?;
        for fault in &verdict.faults {
            writeln!(out, "  {fault}")?;
        }
        Ok(())
    }
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}
