//! What a storm measured, as a table or as JSON.

use super::{Settings, Told};
use crate::{
    machine::{self, Cost, Spent, Usage},
    rooms::{failure::Phase, oracle::Verdict, resilience::Resilience},
    stats::Quantiles,
};
use anyhow::Result;
use serde::Serialize;
use std::{io::Write, time::Duration};

/// What was posted while something went on.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Live {
    posting: Phase,
    pub(super) seconds: f64,
    /// For each thousand of the messages.
    cpu_seconds_per_1000: Spent,
    processes: Vec<Cost>,
}

/// The whole run.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    scenario: String,
    alone: Live,
    meanwhile: Live,
    /// From the first moment of the storm until each was greeted (milliseconds).
    greeted: Quantiles,
    /// From there until each event that somebody had missed arrived (milliseconds).
    arrived: Quantiles,
    is_caught_up: bool,
    /// None without a Postgres that counts them.
    statements_per_socket: Option<f64>,
    /// Seconds; none: never.
    presence_all_back: Option<f64>,
    presence_half_left: Option<f64>,
    disk_sync: Quantiles,
    resilience: Resilience,
    /// Of those who posted all the time, and of those of the storm.
    verdicts: [Verdict; 2],
}

impl Live {
    /// With what it cost between two looks.
    pub(super) fn new(posting: Phase, lasted: Duration, usage: [&[Usage]; 2], messages: usize) -> Self {
        let (cpu_seconds_per_1000, processes) = machine::costs(usage[0], usage[1], messages);
        Self { posting, seconds: lasted.as_secs_f64(), cpu_seconds_per_1000, processes }
    }

    fn print(&self, out: &mut impl Write, name: &str) -> Result<()> {
        let Phase { send_to_ack: ack, send_to_delivered: Quantiles { count, p50, p99, max } } = self.posting;
        writeln!(
            out,
            "{name}, {:.1} s: ack p50/p99 ms {:.2} / {:.2}, delivered p50/p99/max ms {p50:.2} / {p99:.2} / {max:.1} ({count})",
            self.seconds, ack.p50, ack.p99,
        )?;
        let costs: Vec<_> =
            self.processes.iter().map(|cost| format!("{} {:.2}", cost.name, cost.cpu_seconds)).collect();
        Ok(writeln!(out, "  CPU-s: {}", costs.join(", "))?)
    }
}

impl Report {
    /// Of all steps.
    pub(super) fn new(
        settings: &Settings,
        told: Told,
        resilience: Resilience,
        disk_sync: Quantiles,
        verdicts: [Verdict; 2],
    ) -> Self {
        let Settings { target, sockets, room, gap, within, users, rate, .. } = settings;
        let Told { alone, meanwhile, back, statements, presence } = told;
        let [presence_all_back, presence_half_left] = presence;
        Self {
            scenario: format!(
                "storm: {sockets} sockets in rooms of {room} drop, miss {gap} events each and come back within {within} s, \
                 while {users} sockets post {rate} messages a second; {}",
                target.in_words(),
            ),
            alone,
            meanwhile,
            greeted: back.greeted,
            arrived: back.arrived,
            is_caught_up: back.is_complete,
            statements_per_socket: statements,
            presence_all_back,
            presence_half_left,
            disk_sync,
            resilience,
            verdicts,
        }
    }

    /// Whether the oracle found nothing wrong, and presence came to the truth.
    pub(super) fn is_clean(&self) -> bool {
        let is_true = self.presence_all_back.is_some() && self.presence_half_left.is_some();
        is_true && self.is_caught_up && self.verdicts.iter().all(Verdict::is_clean)
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
        self.meanwhile.print(&mut out, "meanwhile")?;
        for (name, Quantiles { count, p50, p99, max }) in
            [("greeted", self.greeted), ("what was missed arrived", self.arrived)]
        {
            writeln!(out, "{name} after p50/p99/max ms {p50:.0} / {p99:.0} / {max:.0} ({count})")?;
        }
        if !self.is_caught_up {
            writeln!(out, "NOT ALL ARE CAUGHT UP")?;
        }
        match self.statements_per_socket {
            Some(statements) => writeln!(out, "{statements:.2} statements for each socket that came back")?,
            None => writeln!(out, "statements were not counted: it takes a Postgres with pg_stat_statements loaded")?,
        }
        let after =
            |seconds: Option<f64>| seconds.map_or("NEVER".to_owned(), |seconds| format!("after {seconds:.1} s"));
        writeln!(
            out,
            "presence is the truth: all back, {}; half of them gone, {}",
            after(self.presence_all_back),
            after(self.presence_half_left),
        )?;
        let Resilience { gaps_repaired, events_repaired, reconnects, ended, .. } = &self.resilience;
        writeln!(
            out,
            "{gaps_repaired} gaps of {events_repaired} events repaired; {reconnects} came back again {ended:?}"
        )?;
        writeln!(out, "disk p50/max ms {:.2} / {:.1}", self.disk_sync.p50, self.disk_sync.max)?;
        let verdict = if self.is_clean() { "nothing lost, nothing doubled, all in order" } else { "FAULTS" };
        writeln!(out, "oracle: {verdict}")?;
        for verdict in self.verdicts.iter().filter(|verdict| !verdict.is_clean()) {
            writeln!(out, "  {verdict:?}")?;
        }
        Ok(())
    }
}
