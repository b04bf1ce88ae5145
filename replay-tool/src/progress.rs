//! How far a long task has come: a bar on a terminal, a line for each tenth otherwise.

use indicatif::{ProgressBar, ProgressStyle};
use std::{
    io::IsTerminal,
    sync::atomic::{AtomicU64, Ordering},
};

/// A log of fewer events is read before anybody wonders.
const WORTH_TELLING: u64 = 1_000;

/// Told on standard error, so that standard output stays the result.
pub(crate) enum Progress {
    /// On a terminal.
    Bar(ProgressBar),
    /// Elsewhere.
    Lines {
        /// What is being done.
        what: String,
        /// Where it ends.
        total: u64,
        /// How many tenths were told.
        told: AtomicU64,
    },
}

impl Progress {
    /// Of a task over `total` events.
    pub(crate) fn new(what: &str, total: u64) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Lines { what: what.to_owned(), total, told: AtomicU64::new(0) };
        }
        let bar = ProgressBar::new(total).with_message(what.to_owned());
        let style = "{msg} {wide_bar} {pos}/{len} {per_sec} {eta}";
        Self::Bar(match ProgressStyle::with_template(style) {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        })
    }

    /// It has come to `done`; may be called from anywhere, in any order.
    pub(crate) fn at(&self, done: u64) {
        match self {
            Self::Bar(bar) => bar.set_position(done),
            Self::Lines { what, total, told } => {
                let tenth = done.saturating_mul(10) / (*total).max(1);
                if *total >= WORTH_TELLING && told.fetch_max(tenth, Ordering::Relaxed) < tenth {
                    eprintln!("{what}: {done} of {total} events");
                }
            }
        }
    }

    /// It is over.
    pub(crate) fn finish(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}
