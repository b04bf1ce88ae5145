//! What a report consists of, in order.

use super::chart::Chart;

pub(super) enum Part {
    Line(String),
    Table(Table),
    /// Something that must hold, and whether it does.
    Check(String, bool),
    Fault(String),
    /// Not shown on a terminal.
    Chart(Chart),
}

/// A table; its first column is to the left, all others to the right.
pub(super) struct Table {
    pub(super) head: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

impl Part {
    /// As text, with its line breaks.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Line(line) => format!("{line}\n"),
            Self::Table(table) => table.text(),
            Self::Check(what, holds) => format!("{} {what}\n", if *holds { "ok  " } else { "MISS" }),
            Self::Fault(fault) => format!("FAULT: {fault}\n"),
            Self::Chart(_) => String::new(),
        }
    }
}

impl Table {
    fn text(&self) -> String {
        let rows = || std::iter::once(&self.head).chain(&self.rows);
        let width = |column: usize| rows().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
        let widths: Vec<_> = (0..self.head.len()).map(|column| width(column).unwrap_or_default()).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
            format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
        };
        rows().map(line).collect()
    }
}
