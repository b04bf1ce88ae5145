//! The ends of the calls, and their report.

use super::{Calls, case::Case};
use crate::report::Report;
use anyhow::Result;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Seen {
    pub(super) name: &'static str,
    /// The status, and the reason of the end.
    pub(super) status: String,
    /// From the death of the gateway.
    pub(super) seconds: f64,
    pub(super) faults: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Figures {
    calls: usize,
    cases: Vec<Summary>,
    /// Processes that ended by themselves.
    ended: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    name: &'static str,
    /// The number of calls by status.
    statuses: BTreeMap<String, usize>,
    /// The first and the last end.
    seconds: [f64; 2],
    faults: Vec<String>,
}

impl Figures {
    pub(super) fn new(cases: &[Case], seen: &[Seen], ended: Vec<String>) -> Self {
        let summaries = cases.iter().map(|case| Summary::of(case.name, seen));
        Self { calls: seen.len(), cases: summaries.collect(), ended }
    }

    pub(super) fn report(&self, settings: &Calls) -> Result<Report> {
        let title = format!("calls: a gateway dies with {} calls; {}", self.calls, settings.target.describe());
        let mut report = Report::new(title, self)?;
        let row = |Summary { name, statuses, seconds: [first, last], .. }: &Summary| {
            let statuses: Vec<_> = statuses.iter().map(|(status, count)| format!("{count} {status}")).collect();
            vec![(*name).to_owned(), statuses.join(", "), format!("{first:.1}"), format!("{last:.1}")]
        };
        report.table(&["case", "ended", "first after s", "last after s"], self.cases.iter().map(row));
        let faults =
            self.cases.iter().flat_map(|case| case.faults.iter().map(|fault| format!("{}: {fault}", case.name)));
        faults.chain(self.ended.iter().cloned()).for_each(|fault| report.fault(fault));
        if report.is_clean() {
            report.line("no call rings for ever");
        }
        Ok(report)
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
