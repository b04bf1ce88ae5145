//! The measurements of all rounds, as tables and as one document.

use super::statistics::Spread;
use anyhow::Error;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// Numbers by name, in the order of their columns.
pub(super) type Figures = Vec<(String, f64)>;

/// One row of one table in one round.
#[derive(Clone, Debug, Default)]
pub(super) struct Measurement {
    pub(super) table: String,
    pub(super) row: String,
    pub(super) figures: Figures,
    /// Circumstances that disturbed it, and faults.
    pub(super) marks: Vec<String>,
    /// Something was lost or doubled: the figures are of no use.
    pub(super) is_faulty: bool,
    /// The whole report of the program that measured it.
    pub(super) document: Value,
}

/// All measurements.
pub(super) struct Report {
    /// Machine, versions and commit.
    about: Value,
    /// Rows that are compared: ours, and another.
    pairs: Vec<(String, String)>,
    measured: Vec<(u32, Measurement)>,
    failures: Vec<String>,
}

impl Report {
    pub(super) fn new(about: Value, pairs: Vec<(String, String)>) -> Self {
        Self { about, pairs, measured: Vec::new(), failures: Vec::new() }
    }

    pub(super) fn add(&mut self, round: u32, measurements: impl IntoIterator<Item = Measurement>) {
        self.measured.extend(measurements.into_iter().map(|one| (round, one)));
    }

    /// Notes a turn that could not be measured.
    pub(super) fn fail(&mut self, round: u32, what: &str, error: &Error) {
        self.failures.push(format!("round {round}, {what}: {error:#}"));
    }

    /// Whether all could be measured, and nothing was lost or doubled.
    pub(super) fn is_clean(&self) -> bool {
        self.failures.is_empty() && self.measured.iter().all(|(_, one)| !one.is_faulty)
    }

    fn tables(&self) -> Vec<&str> {
        unique(self.measured.iter().map(|(_, one)| one.table.as_str()))
    }

    fn of_table<'r>(&'r self, table: &'r str) -> impl Iterator<Item = &'r (u32, Measurement)> {
        self.measured.iter().filter(move |(_, one)| one.table == table)
    }

    fn rows<'r>(&'r self, table: &'r str) -> Vec<&'r str> {
        unique(self.of_table(table).map(|(_, one)| one.row.as_str()))
    }

    fn columns<'r>(&'r self, table: &'r str) -> Vec<&'r str> {
        unique(self.of_table(table).flat_map(|(_, one)| one.figures.iter().map(|(name, _)| name.as_str())))
    }

    /// The value of each round in which there is one.
    fn values(&self, table: &str, row: &str, column: &str) -> Vec<(u32, f64)> {
        let of_row = self.of_table(table).filter(|(_, one)| one.row == row);
        let value = |one: &Measurement| one.figures.iter().find(|(name, _)| name == column).map(|(_, value)| *value);
        of_row.filter_map(|(round, one)| Some((*round, value(one)?))).collect()
    }

    /// The ratios of two rows, round by round.
    fn ratios(&self, table: &str, (ours, other): (&str, &str), column: &str) -> Vec<f64> {
        let others = self.values(table, other, column);
        let ratio = |(round, value): (u32, f64)| {
            let (_, other) = others.iter().find(|(of, other)| *of == round && *other != 0.0)?;
            Some(value / other)
        };
        self.values(table, ours, column).into_iter().filter_map(ratio).collect()
    }

    /// The pairs of which a table has both rows.
    fn pairs_of(&self, table: &str) -> Vec<(&str, &str)> {
        let rows = self.rows(table);
        let pairs = self.pairs.iter().map(|(ours, other)| (ours.as_str(), other.as_str()));
        pairs.filter(|(ours, other)| rows.contains(ours) && rows.contains(other)).collect()
    }

    /// For people: a table after the other, with medians and ranges, and the ratios below.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for table in self.tables() {
            let columns = self.columns(table);
            let cell = |spread: Option<Spread>| spread.map_or_else(|| "–".to_owned(), Spread::show);
            let head = std::iter::once(table.to_owned()).chain(columns.iter().map(|name| (*name).to_owned()));
            let mut rows = vec![head.collect::<Vec<_>>()];
            for row in self.rows(table) {
                let numbers = |column: &&str| self.values(table, row, column).into_iter().map(|(_, value)| value);
                let cells = columns.iter().map(|column| cell(Spread::of(numbers(column))));
                rows.push(std::iter::once(row.to_owned()).chain(cells).collect());
            }
            for pair in self.pairs_of(table) {
                let cells = columns.iter().map(|column| cell(Spread::of(self.ratios(table, pair, column))));
                rows.push(std::iter::once(format!("{} ÷ {}", pair.0, pair.1)).chain(cells).collect());
            }
            let _ = writeln!(text, "{}", lay_out(&rows));
        }
        for (round, Measurement { table, row, marks, .. }) in &self.measured {
            for mark in marks {
                let _ = writeln!(text, "{table}, {row}, round {round}: {mark}");
            }
        }
        for failure in &self.failures {
            let _ = writeln!(text, "NOT MEASURED: {failure}");
        }
        text
    }

    /// For programs: the same, and all of which it was made.
    pub(super) fn document(&self) -> Value {
        let tables = self.tables().into_iter().map(|table| {
            let columns = self.columns(table);
            let rows = self.rows(table).into_iter().map(|row| {
                let of_column = |column: &&str| {
                    let values = self.values(table, row, column);
                    let rounds: Map<_, _> =
                        values.iter().map(|(round, value)| (round.to_string(), json!(value))).collect();
                    let spread = Spread::of(values.into_iter().map(|(_, value)| value))?;
                    let Spread { median, least, most } = spread;
                    let figure = json!({"median": median, "least": least, "most": most, "rounds": rounds});
                    Some(((*column).to_owned(), figure))
                };
                let figures: Map<_, _> = columns.iter().filter_map(of_column).collect();
                json!({"name": row, "figures": figures})
            });
            let ratios = self.pairs_of(table).into_iter().map(|pair| {
                let of_column = |column: &&str| {
                    let spread = Spread::of(self.ratios(table, pair, column))?;
                    Some(((*column).to_owned(), json!(spread)))
                };
                let figures: Map<_, _> = columns.iter().filter_map(of_column).collect();
                json!({"of": pair.0, "to": pair.1, "figures": figures})
            });
            let (rows, ratios) = (rows.collect::<Vec<_>>(), ratios.collect::<Vec<_>>());
            json!({"title": table, "rows": rows, "ratios": ratios})
        });
        let tables: Vec<_> = tables.collect();
        let runs = self.measured.iter().map(|(round, one)| {
            let Measurement { table, row, marks, document, .. } = one;
            json!({"round": round, "table": table, "row": row, "marks": marks, "report": document})
        });
        let runs: Vec<_> = runs.collect();
        json!({
            "about": self.about,
            "clean": self.is_clean(),
            "tables": tables,
            "runs": runs,
            "notMeasured": self.failures,
        })
    }
}

/// Each once, in the order of its first appearance.
fn unique<'t>(all: impl Iterator<Item = &'t str>) -> Vec<&'t str> {
    all.fold(Vec::new(), |mut unique, one| {
        if !unique.contains(&one) {
            unique.push(one);
        }
        unique
    })
}

/// Lines of columns: the first to the left, all others to the right.
fn lay_out(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<_> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    rows.iter().fold(String::new(), |mut text, row| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        let _ = writeln!(text, "{}", cells.collect::<Vec<_>>().join("  ").trim_end());
        text
    })
}

#[cfg(test)]
mod tests {
    use super::{Measurement, Report};
    use serde_json::json;

    fn measured(row: &str, rate: f64) -> Measurement {
        let figures = vec![("messages/s".to_owned(), rate)];
        Measurement { table: "rooms, closed".to_owned(), row: row.to_owned(), figures, ..Measurement::default() }
    }

    fn report() -> Report {
        let mut report = Report::new(json!({"commit": "abc"}), vec![("ours".to_owned(), "theirs".to_owned())]);
        for (round, ours, theirs) in [(1, 300.0, 100.0), (2, 500.0, 250.0), (3, 800.0, 200.0)] {
            report.add(round, [measured("ours", ours), measured("theirs", theirs)]);
        }
        report
    }

    #[test]
    fn a_table_has_medians_ranges_and_ratios_of_the_same_round() {
        let text = report().text();
        let lines: Vec<Vec<&str>> =
            text.lines().map(|line| line.split("  ").filter(|c| !c.is_empty()).collect()).collect();
        let cells: Vec<Vec<&str>> = lines.iter().map(|line| line.iter().map(|cell| cell.trim()).collect()).collect();
        assert_eq!(cells[0], ["rooms, closed", "messages/s"]);
        assert_eq!(cells[1], ["ours", "500 (300–800)"]);
        assert_eq!(cells[2], ["theirs", "200 (100–250)"]);
        assert_eq!(cells[3], ["ours ÷ theirs", "3.00 (2.00–4.00)"]);
    }

    #[test]
    fn the_document_has_every_round() {
        let document = report().document();
        let row = &document["tables"][0]["rows"][0];
        assert_eq!(row["figures"]["messages/s"]["rounds"], json!({"1": 300.0, "2": 500.0, "3": 800.0}));
        assert_eq!(document["tables"][0]["ratios"][0]["figures"]["messages/s"]["median"], 3.0);
        assert_eq!((&document["about"]["commit"], document["runs"].as_array().unwrap().len()), (&json!("abc"), 6));
        assert_eq!(document["clean"], true);
    }

    #[test]
    fn a_fault_or_a_failure_is_enough() {
        let mut faulty = report();
        faulty.add(4, [Measurement { is_faulty: true, marks: vec!["lost 1".to_owned()], ..measured("ours", 1.0) }]);
        assert!(!faulty.is_clean() && faulty.text().contains("rooms, closed, ours, round 4: lost 1"));
        let mut failed = report();
        failed.fail(1, "ejabberd", &anyhow::anyhow!("no"));
        assert!(!failed.is_clean() && failed.text().contains("NOT MEASURED: round 1, ejabberd: no"));
    }

    #[test]
    fn a_column_that_a_row_lacks_is_empty() {
        let mut report = report();
        let mut more = measured("more", 1.0);
        more.figures.push(("p99".to_owned(), 2.0));
        report.add(1, [more]);
        assert!(report.text().lines().nth(1).unwrap().ends_with('–'), "{}", report.text());
    }
}
