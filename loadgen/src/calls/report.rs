//! What became of the calls, as a table or as JSON.

use super::{Settings, case::Case};
use anyhow::Result;
use serde::Serialize;
use std::{collections::BTreeMap, io::Write};

/// What became of one call.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Seen {
    pub(super) name: &'static str,
    /// How it ended, and why.
    pub(super) status: String,
    /// When, in seconds from the death of the gateway.
    pub(super) seconds: f64,
    pub(super) faults: Vec<String>,
}

/// The whole run.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    scenario: String,
    cases: Vec<Summary>,
    /// Processes that ended by themselves.
    ended: Vec<String>,
}

/// All calls of a case.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    name: &'static str,
    /// How many ended in which way.
    statuses: BTreeMap<String, usize>,
    /// The first and the last that ended.
    seconds: [f64; 2],
    faults: Vec<String>,
}

impl Report {
    /// Of all calls.
    pub(super) fn new(settings: &Settings, cases: &[Case], seen: Vec<Seen>, ended: Vec<String>) -> Self {
        let scenario = format!("calls: a gateway dies with {} calls; {}", seen.len(), settings.target.in_words());
        Self { scenario, cases: cases.iter().map(|case| Summary::of(case.name, &seen)).collect(), ended }
    }

    /// Whether all went by the rules.
    pub(super) fn is_clean(&self) -> bool {
        self.ended.is_empty() && self.cases.iter().all(|case| case.faults.is_empty())
    }

    /// To standard output.
    pub(super) fn print(&self, json: bool) -> Result<()> {
        let mut out = std::io::stdout().lock();
        if json {
            serde_json::to_writer_pretty(&mut out, self)?;
            return Ok(writeln!(out)?);
        }
        writeln!(out, "{}", self.scenario)?;
        for Summary { name, statuses, seconds: [first, last], faults } in &self.cases {
            let statuses: Vec<_> = statuses.iter().map(|(status, count)| format!("{count} {status}")).collect();
            writeln!(out, "{name:<46} {} after {first:.1} to {last:.1} s", statuses.join(", "))?;
            for fault in faults {
                writeln!(out, "  FAULT: {fault}")?;
            }
        }
        for ended in &self.ended {
            writeln!(out, "FAULT: {ended}")?;
        }
        writeln!(out, "{}", if self.is_clean() { "nobody rings for ever" } else { "FAULTS" })?;
        Ok(())
    }
}

impl Summary {
    fn of(name: &'static str, seen: &[Seen]) -> Self {
        let mut summary = Self { name, statuses: BTreeMap::new(), seconds: [f64::MAX, 0.0], faults: Vec::new() };
        for call in seen.iter().filter(|call| call.name == name) {
            if !call.status.is_empty() {
                *summary.statuses.entry(call.status.clone()).or_default() += 1;
                let [first, last] = summary.seconds;
                summary.seconds = [first.min(call.seconds), last.max(call.seconds)];
            }
            summary.faults.extend(call.faults.iter().cloned());
        }
        if summary.statuses.is_empty() {
            summary.seconds = [0.0; 2];
        }
        summary
    }
}

#[cfg(test)]
mod tests {
    use super::{Seen, Summary};

    #[test]
    fn calls_of_a_case_are_summed_up() {
        let seen = |name, status: &str, seconds| Seen { name, status: status.to_owned(), seconds, faults: Vec::new() };
        let summary =
            Summary::of("a", &[seen("a", "MISSED", 30.0), seen("b", "ENDED", 1.0), seen("a", "MISSED", 31.0)]);
        assert_eq!((summary.statuses["MISSED"], summary.seconds), (2, [30.0, 31.0]));
        assert_eq!(Summary::of("c", &[]).seconds, [0.0, 0.0]);
    }
}
