//! What one check found.

use crate::cli::output::{Colour, coloured};
use serde::Serialize;

/// One thing that was tried.
#[derive(Debug, Serialize)]
pub(super) struct Check {
    /// Such as `postgres.version`.
    name: &'static str,
    pub(super) verdict: Verdict,
    /// What was found.
    pub(super) found: String,
    /// How to mend it, unless it is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    Ok,
    Warn,
    Fail,
}

impl Check {
    pub(super) fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Ok, found: found.into(), remedy: None }
    }

    pub(super) fn warn(name: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Warn, found: found.into(), remedy: Some(remedy.into()) }
    }

    pub(super) fn fail(name: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Fail, found: found.into(), remedy: Some(remedy.into()) }
    }

    pub(super) fn line(&self) -> String {
        let verdict = match self.verdict {
            Verdict::Ok => coloured("ok  ", Colour::Green),
            Verdict::Warn => coloured("warn", Colour::Yellow),
            Verdict::Fail => coloured("fail", Colour::Red),
        };
        let remedy = self.remedy.as_ref().map(|remedy| format!("; {remedy}")).unwrap_or_default();
        format!("{verdict} {:<22} {}{remedy}", self.name, self.found)
    }
}
