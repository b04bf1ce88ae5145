//! The progress of a long task: a bar on a terminal, otherwise a line for each tenth.

use indicatif::{ProgressBar, ProgressStyle};
use std::{
    io::IsTerminal,
    sync::atomic::{AtomicU64, Ordering},
};

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unit {
    name: &'static str,
    /// A task of fewer has no progress lines.
    least: u64,
}

pub(crate) const EVENTS: Unit = Unit { name: "events", least: 1_000 };
pub(crate) const BYTES: Unit = Unit { name: "bytes", least: 100_000_000 };
pub(crate) const FILES: Unit = Unit { name: "files", least: 1_000 };

/// Written to standard error, so that standard output has the result alone.
pub(crate) enum Progress {
    /// On a terminal.
    Bar(ProgressBar),
    /// Elsewhere.
    Lines {
        task: String,
        unit: Unit,
        total: AtomicU64,
        /// The tenths reported so far.
        reported: AtomicU64,
    },
}

impl Progress {
    /// The progress of a task over `total` events.
    pub(crate) fn new(task: &str, total: u64) -> Self {
        Self::of(task, total, EVENTS)
    }

    /// The progress of a task whose size [`Progress::at_of`] says.
    pub(crate) fn growing(task: &str, unit: Unit) -> Self {
        Self::of(task, 0, unit)
    }

    /// The progress of a task over `total` of a unit.
    pub(crate) fn of(task: &str, total: u64, unit: Unit) -> Self {
        if !std::io::stderr().is_terminal() {
            let total = AtomicU64::new(total);
            return Self::Lines { task: task.to_owned(), unit, total, reported: AtomicU64::new(0) };
        }
        let bar = ProgressBar::new(total).with_message(task.to_owned());
        let style = "{msg} {wide_bar} {pos}/{len} {per_sec} {eta}";
        Self::Bar(match ProgressStyle::with_template(style) {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        })
    }

    /// Reports how many are done. May be called from any thread, in any order.
    pub(crate) fn at(&self, done: u64) {
        match self {
            Self::Bar(bar) => bar.set_position(done),
            Self::Lines { task, unit: Unit { name, least }, total, reported } => {
                let total = total.load(Ordering::Relaxed);
                let tenth = done.saturating_mul(10) / total.max(1);
                if total >= *least && reported.fetch_max(tenth, Ordering::Relaxed) < tenth {
                    eprintln!("{task}: {done} of {total} {name}");
                }
            }
        }
    }

    /// Reports how many of how many are done.
    pub(crate) fn at_of(&self, done: u64, of: u64) {
        match self {
            Self::Bar(bar) => bar.set_length(of),
            Self::Lines { total, .. } => total.store(of, Ordering::Relaxed),
        }
        self.at(done);
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}
