//! The report of a scenario: tables for people, one JSON document for programs, a page with curves, and whether everything
//! held.

mod chart;
mod html;
mod part;

pub(crate) use chart::{Axis, Chart};

use crate::{
    machine::{self, Cost, Spent, Track},
    stats::Quantiles,
    traffic::{Measured, curve::Point, oracle::Verdict, phase::Phase},
};
use anyhow::{Context, Result};
use part::{Part, Table};
use serde::Serialize;
use serde_json::{Value, json};
use std::{fmt::Display, fs, io::Write as _, path::Path};

/// How a report is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
    /// `{"ok": …}` in one line, for a program that gives orders.
    Answer,
}

const SECONDS: Axis = Axis::linear("seconds");
/// From this p99 on, the client's own lateness is shown (milliseconds).
const LATE: f64 = 1.0;

/// What a scenario measured. A fault in any part of it is the scenario's.
pub(crate) struct Report {
    title: String,
    figures: Value,
    parts: Vec<Part>,
    faults: usize,
}

impl Report {
    /// A report without tables. The document has the fields of `figures`, `scenario` (the title), `host` and `clean`.
    pub(crate) fn new(title: String, figures: impl Serialize) -> Result<Self> {
        let mut figures = serde_json::to_value(figures)?;
        figures["scenario"] = title.as_str().into();
        Ok(Self { title, figures, parts: Vec::new(), faults: 0 })
    }

    /// Adds a field to the document.
    pub(crate) fn figure(&mut self, name: &str, value: impl Into<Value>) {
        self.figures[name] = value.into();
    }

    pub(crate) fn line(&mut self, line: impl Display) {
        self.parts.push(Part::Line(line.to_string()));
    }

    /// A table; its first column is to the left, all others to the right.
    pub(crate) fn table(&mut self, head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
        let head = head.iter().map(|name| (*name).to_owned()).collect();
        self.parts.push(Part::Table(Table { head, rows: rows.into_iter().collect() }));
    }

    /// A chart, for the page alone.
    pub(crate) fn chart(&mut self, chart: Chart) {
        self.parts.push(Part::Chart(chart));
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
        self.latencies(phases.into_iter().flat_map(|(name, Phase { due_to_sent, send_to_ack, send_to_delivered })| {
            // A client that is late by less does not change what is measured.
            let late = (due_to_sent.p99 > LATE).then(|| (format!("{name}, client late"), due_to_sent));
            let measured = [(format!("{name}, ack"), send_to_ack), (format!("{name}, delivered"), send_to_delivered)];
            late.into_iter().chain(measured).collect::<Vec<_>>()
        }));
    }

    /// Curves of rates, latencies and usage over a measurement.
    pub(crate) fn curves(&mut self, name: &str, measured: &Measured) {
        self.rates(name, &measured.curve);
        self.usage(name, &measured.usage);
    }

    /// Curves of rates and latencies.
    pub(crate) fn rates(&mut self, name: &str, points: &[Point]) {
        let of = |value: fn(&Point) -> f64| points.iter().map(move |point| (point.second, value(point)));
        let chart = Chart::new(format!("{name}: rates"), SECONDS, Axis::linear("a second"));
        let mut chart = chart.line("offered", of(|at| at.offered)).line("accepted", of(|at| at.accepted));
        if points.iter().any(|at| at.refused > 0.0) {
            chart = chart.line("refused", of(|at| at.refused));
        }
        self.chart(chart.line("deliveries", of(|at| at.delivered)));
        let chart = Chart::new(format!("{name}: latencies"), SECONDS, Axis::logarithmic("milliseconds"));
        let chart = chart.line("acknowledged, p50", of(|at| at.ack_p50)).line("acknowledged, p99", of(|at| at.ack_p99));
        let chart =
            chart.line("delivered, p50", of(|at| at.delivered_p50)).line("delivered, p99", of(|at| at.delivered_p99));
        self.chart(chart.line("delivered, longest", of(|at| at.delivered_max)));
    }

    /// Curves of the processors and the memory that each program uses.
    pub(crate) fn usage(&mut self, name: &str, tracks: &[Track]) {
        let mut cores = Chart::new(format!("{name}: processors"), SECONDS, Axis::linear("cores"));
        let mut memory = Chart::new(format!("{name}: memory"), SECONDS, Axis::linear("MiB"));
        for Track { name, points } in tracks {
            cores = cores.line(name, points.iter().map(|used| (used.second, used.cores)));
            let resident = points.iter().filter_map(|used| Some((used.second, used.resident_mib?)));
            memory = memory.line(name, resident);
        }
        self.chart(cores);
        self.chart(memory);
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
        let Verdict { lost, doubled, altered, unacknowledged, refused_and_stored, undelivered, unlike_log, faults } =
            verdict;
        let unlike_log = unlike_log.map(|count| format!(", unlike the log {count}")).unwrap_or_default();
        let finding = if verdict.is_clean() { "nothing lost, nothing doubled, all in order" } else { "FAULTS" };
        self.line(format_args!(
            "oracle{name}: {finding} (lost {lost}, doubled {doubled}, altered {altered}, unacknowledged \
             {unacknowledged}, refused and stored {refused_and_stored}, undelivered {undelivered}{unlike_log})"
        ));
        faults.iter().for_each(|fault| self.line(format_args!("  {fault}")));
        self.faults += usize::from(!verdict.is_clean());
    }

    /// Something that must hold.
    pub(crate) fn check(&mut self, what: impl Display, holds: bool) {
        self.parts.push(Part::Check(what.to_string(), holds));
        self.faults += usize::from(!holds);
    }

    /// Something that must not be.
    pub(crate) fn fault(&mut self, fault: impl Display) {
        self.parts.push(Part::Fault(fault.to_string()));
        self.faults += 1;
    }

    /// Whether everything held.
    pub(crate) const fn is_clean(&self) -> bool {
        self.faults == 0
    }

    /// Prints to standard output.
    pub(crate) fn print(&self, format: Format) -> Result<()> {
        let mut out = std::io::stdout().lock();
        match format {
            Format::Text => write!(out, "{}", self.text())?,
            Format::Json => writeln!(out, "{:#}", self.document())?,
            Format::Answer => writeln!(out, "{}", json!({"ok": self.document()}))?,
        }
        Ok(out.flush()?)
    }

    /// Writes the document into a file.
    pub(crate) fn write_json(&self, path: &Path) -> Result<()> {
        write(path, &format!("{:#}\n", self.document()))
    }

    /// Writes the page into a file.
    pub(crate) fn write_html(&self, path: &Path) -> Result<()> {
        write(path, &html::page(&self.title, &self.parts, &machine::describe(), self.is_clean()))
    }

    fn text(&self) -> String {
        let parts: String = self.parts.iter().map(Part::text).collect();
        format!("{}\n{parts}", self.title)
    }

    fn document(&self) -> Value {
        let mut document = self.figures.clone();
        document["clean"] = self.is_clean().into();
        document["host"] = machine::describe();
        document
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::{Phase, Point, Quantiles, Report, Verdict};
    use serde_json::json;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut report = Report::new("rooms".to_owned(), json!({"runs": []})).unwrap();
        let row = |name: &str, number: &str| vec![name.to_owned(), number.to_owned()];
        report.table(&["run", "messages/s"], [row("1", "9"), row("median", "12")]);
        assert_eq!(report.text(), "rooms\nrun     messages/s\n1                9\nmedian          12\n");
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
            assert!(!report.is_clean(), "{}", report.text());
        }
    }

    #[test]
    fn a_client_that_was_late_is_shown() {
        let late = |p99| Phase { due_to_sent: Quantiles { p99, ..Quantiles::default() }, ..Phase::default() };
        for (p99, rows) in [(0.3, 3), (20.0, 4)] {
            let mut report = Report::new(String::new(), json!({})).unwrap();
            report.phases([("run", late(p99))]);
            assert_eq!(report.text().trim().lines().count(), rows, "{}", report.text());
        }
    }

    #[test]
    fn the_page_has_tables_and_charts_and_needs_nothing_else() {
        let mut report = Report::new("rooms: 1 < 2".to_owned(), json!({})).unwrap();
        report.table(&["run", "messages/s"], [vec!["1".to_owned(), "<9>".to_owned()]]);
        report.rates("run 1", &[Point { offered: 5.0, ack_p50: 1.0, ..Point::default() }, Point::default()]);
        report.check("p99", false);
        report.fault("a process ended");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.html");
        report.write_html(&path).unwrap();
        let page = std::fs::read_to_string(&path).unwrap();
        for part in [
            "<h1>rooms: 1 &lt; 2</h1>",
            "<td>&lt;9&gt;</td>",
            "run 1: rates",
            "not everything held",
            "FAULT: a process",
        ] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
        assert_eq!(page.matches("<svg").count(), 2);
        assert!(
            ["<script", "http:", "https:", "src=", "@import"].iter().all(|outside| !page.contains(outside)),
            "{page}"
        );
        assert!(report.write_json(&folder.path().join("no/such/folder")).is_err());
    }
}
