//! The report of a scenario: tables for people, one JSON document for programs, and whether everything held.

use crate::{
    machine::{Cost, Spent},
    stats::Quantiles,
    traffic::{oracle::Verdict, phase::Phase},
};
use anyhow::Result;
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    fmt::{Display, Write as _},
    io::Write as _,
};

/// How a report is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
    /// `{"ok": …}` in one line, for a program that gives orders.
    Answer,
}

/// What a scenario measured. A fault in any part of it is the scenario's.
pub(crate) struct Report {
    figures: Value,
    text: String,
    faults: usize,
}

impl Report {
    /// A report without tables. The document has the fields of `figures`, `scenario` (the title) and `clean`.
    pub(crate) fn new(title: String, figures: impl Serialize) -> Result<Self> {
        let mut figures = serde_json::to_value(figures)?;
        let text = format!("{title}\n");
        figures["scenario"] = title.into();
        Ok(Self { figures, text, faults: 0 })
    }

    /// Adds a field to the document.
    pub(crate) fn figure(&mut self, name: &str, value: impl Into<Value>) {
        self.figures[name] = value.into();
    }

    pub(crate) fn line(&mut self, line: impl Display) {
        let _ = writeln!(self.text, "{line}");
    }

    /// A table; its first column is to the left, all others to the right.
    pub(crate) fn table(&mut self, head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
        let head = head.iter().map(|name| (*name).to_owned()).collect();
        let rows: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
        let width =
            |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
        let widths: Vec<_> = (0..rows[0].len()).map(|column| width(column).unwrap_or_default()).collect();
        for row in &rows {
            let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
            self.line(cells.collect::<Vec<_>>().join("  ").trim_end());
        }
    }

    /// A table of latencies in milliseconds.
    pub(crate) fn latencies<N: Display>(&mut self, rows: impl IntoIterator<Item = (N, Quantiles)>) {
        let rows = rows.into_iter().map(|(name, Quantiles { count, p50, p95, p99, p999, max })| {
            let times = [p50, p95, p99, p999].map(|time| format!("{time:.2}"));
            [vec![name.to_string(), count.to_string()], times.to_vec(), vec![format!("{max:.1}")]].concat()
        });
        self.table(&["latency, ms", "count", "p50", "p95", "p99", "p99.9", "max"], rows);
    }

    /// A table of the latencies of phases: to the acknowledgement, and to each delivery.
    pub(crate) fn phases<N: Display>(&mut self, phases: impl IntoIterator<Item = (N, Phase)>) {
        self.latencies(phases.into_iter().flat_map(|(name, Phase { send_to_ack, send_to_delivered })| {
            [(format!("{name}, ack"), send_to_ack), (format!("{name}, delivered"), send_to_delivered)]
        }));
    }

    /// The processor time of each program per thousand of something.
    pub(crate) fn costs(&mut self, name: &str, spent: &Spent, costs: &[Cost]) {
        let costs: Vec<_> = costs.iter().map(Cost::describe).collect();
        self.line(format_args!("{name}: {:.3} CPU-s per 1,000 without the client: {}", spent.total, costs.join(", ")));
    }

    pub(crate) fn disk(&mut self, sync: Quantiles) {
        self.line(format_args!("disk p50/max ms {:.2} / {:.1}", sync.p50, sync.max));
    }

    /// The finding of the oracle. `name` tells several of one report apart.
    pub(crate) fn oracle(&mut self, name: &str, verdict: &Verdict) {
        let Verdict { lost, doubled, unacknowledged, undelivered, unlike_log, faults } = verdict;
        let unlike_log = unlike_log.map(|count| format!(", unlike the log {count}")).unwrap_or_default();
        let finding = if verdict.is_clean() { "nothing lost, nothing doubled, all in order" } else { "FAULTS" };
        self.line(format_args!(
            "oracle{name}: {finding} (lost {lost}, doubled {doubled}, unacknowledged {unacknowledged}, undelivered \
             {undelivered}{unlike_log})"
        ));
        faults.iter().for_each(|fault| self.line(format_args!("  {fault}")));
        self.faults += usize::from(!verdict.is_clean());
    }

    /// Something that must hold.
    pub(crate) fn check(&mut self, what: impl Display, holds: bool) {
        self.line(format_args!("{} {what}", if holds { "ok  " } else { "MISS" }));
        self.faults += usize::from(!holds);
    }

    /// Something that must not be.
    pub(crate) fn fault(&mut self, fault: impl Display) {
        self.line(format_args!("FAULT: {fault}"));
        self.faults += 1;
    }

    /// Whether everything held.
    pub(crate) const fn is_clean(&self) -> bool {
        self.faults == 0
    }

    /// Prints to standard output.
    pub(crate) fn print(&self, format: Format) -> Result<()> {
        let mut out = std::io::stdout().lock();
        let mut document = self.figures.clone();
        document["clean"] = self.is_clean().into();
        match format {
            Format::Text => write!(out, "{}", self.text)?,
            Format::Json => writeln!(out, "{document:#}")?,
            Format::Answer => writeln!(out, "{}", json!({"ok": document}))?,
        }
        Ok(out.flush()?)
    }
}

#[cfg(test)]
mod tests {
    use super::{Report, Verdict};
    use serde_json::json;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut report = Report::new("rooms".to_owned(), json!({"runs": []})).unwrap();
        let row = |name: &str, number: &str| vec![name.to_owned(), number.to_owned()];
        report.table(&["run", "messages/s"], [row("1", "9"), row("median", "12")]);
        assert_eq!(report.text, "rooms\nrun     messages/s\n1                9\nmedian          12\n");
        assert_eq!(report.figures, json!({"scenario": "rooms", "runs": []}));
    }

    #[test]
    fn one_fault_of_any_kind_is_enough() {
        let report = || Report::new(String::new(), json!({})).unwrap();
        let faulty: [fn(&mut Report); 3] = [
            |report| report.oracle("", &Verdict { lost: 1, ..Verdict::default() }),
            |report| report.check("p99", false),
            |report| report.fault("a process ended"),
        ];
        for make in faulty {
            let mut report = report();
            report.oracle("", &Verdict::default());
            report.check("p50", true);
            assert!(report.is_clean());
            make(&mut report);
            assert!(!report.is_clean(), "{}", report.text);
        }
    }
}
