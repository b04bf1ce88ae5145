//! Measurements against their bounds.

use crate::shell::say;
use anyhow::{Error, Result};
use std::{fmt, path::Path};

/// One measurement.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    phase: String,
    what: String,
    /// None: it did not come to an end in time.
    measured: Option<f64>,
    bound: f64,
    unit: &'static str,
}

impl Line {
    /// Seconds that something took, none when it did not end.
    pub(super) fn seconds(phase: &str, what: &str, measured: Option<f64>, bound: f64) -> Self {
        Self { phase: phase.to_owned(), what: what.to_owned(), measured, bound, unit: " s" }
    }

    /// A count that must be 0.
    pub(super) fn none_of(phase: &str, what: &str, count: f64) -> Self {
        Self { phase: phase.to_owned(), what: what.to_owned(), measured: Some(count), bound: 0.0, unit: "" }
    }

    /// A judgement of another program.
    pub(super) fn judged(phase: &str, is_clean: bool) -> Self {
        Self::none_of(phase, "faults", if is_clean { 0.0 } else { 1.0 })
    }

    /// A scenario that could not be played to its end.
    pub(super) fn failure(error: &Error) -> Self {
        Self::none_of(&format!("it could not go on: {error:#}"), "faults", 1.0)
    }

    pub(super) fn holds(&self) -> bool {
        self.measured.is_some_and(|measured| measured <= self.bound)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { phase, what, measured, bound, unit } = self;
        let verdict = if self.holds() { "ok  " } else { "MISS" };
        write!(f, "{verdict} {phase}: {what} ")?;
        match measured {
            Some(measured) if unit.is_empty() => write!(f, "{measured:.0} of {bound:.0}"),
            Some(measured) => write!(f, "{measured:.1}{unit} of {bound:.0}{unit}"),
            None => write!(f, "never, of {bound:.0}{unit}"),
        }
    }
}

/// All runs.
#[derive(Default)]
pub(super) struct Report(Vec<(String, Vec<Line>)>);

impl Report {
    /// Adds the result of a run. Fails only after an interrupt.
    pub(super) fn add(&mut self, title: &str, played: Result<Vec<Line>>, log: &Path) -> Result<()> {
        let lines = match played {
            Ok(lines) => lines,
            Err(error) if error.to_string() == "interrupted" => return Err(error),
            Err(error) => vec![Line::failure(&error)],
        };
        if !lines.iter().all(Line::holds) {
            say(format_args!("{title}: the log of its processes is {}", log.display()));
        }
        self.0.push((title.to_owned(), lines));
        Ok(())
    }

    pub(super) fn is_clean(&self) -> bool {
        self.0.iter().flat_map(|(_, lines)| lines).all(Line::holds)
    }

    /// A line each, those that missed in full.
    pub(super) fn show(&self) {
        for (title, lines) in &self.0 {
            let missed: Vec<_> = lines.iter().filter(|line| !line.holds()).collect();
            let longest = lines.iter().filter(|line| line.unit == " s").filter_map(|line| line.measured);
            let longest = longest.fold(0.0, f64::max);
            match missed.len() {
                0 => say(format_args!("ok   {title}: {} measured, the longest {longest:.1} s", lines.len())),
                count => say(format_args!("MISS {title}: {count} of {}", lines.len())),
            }
            missed.iter().for_each(|line| say(format_args!("     {line}")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Line;

    #[test]
    fn what_takes_too_long_or_never_ends_is_a_miss() {
        let line = |measured| Line::seconds("frozen", "commands", measured, 20.0);
        assert!(line(Some(19.9)).holds() && !line(Some(20.1)).holds() && !line(None).holds());
        assert_eq!(line(Some(3.21)).to_string(), "ok   frozen: commands 3.2 s of 20 s");
        assert_eq!(line(None).to_string(), "MISS frozen: commands never, of 20 s");
        assert!(Line::judged("oracle", true).holds() && !Line::judged("oracle", false).holds());
    }
}
