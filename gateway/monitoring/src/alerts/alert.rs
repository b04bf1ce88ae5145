//! Alerts and rules as they are shown.

use super::{RULES, Rule};
use domain::Timestamp;
use protocol::{Alert, AlertState, Severity};
use serde::Serialize;
use utoipa::ToSchema;

/// The page of the sections that rules name.
const RUNBOOK: &str = "docs/runbook.md#";

/// An alert of a rule of this build; one of another build says its name alone.
pub(super) fn alert((rule, subject): (String, String), value: f64, times: [i64; 2], cleared_at: Option<i64>) -> Alert {
    let known = RULES.iter().find(|known| known.name == rule);
    let summary = known.map_or_else(|| rule.clone(), |known| summary(known, &subject, value));
    let [since, raised_at] = times.map(Timestamp::from_millis);
    Alert {
        severity: known.map_or(Severity::Warning, |known| known.severity),
        state: if cleared_at.is_some() { AlertState::Cleared } else { AlertState::Raised },
        summary,
        value,
        since,
        raised_at,
        cleared_at: cleared_at.map(Timestamp::from_millis),
        runbook: runbook(&rule),
        rule,
        subject,
    }
}

/// The section of a rule.
fn runbook(rule: &str) -> String {
    format!("{RUNBOOK}{}", rule.to_lowercase())
}

fn summary(rule: &Rule, subject: &str, value: f64) -> String {
    let value = if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.3}") };
    rule.says.replace("{subject}", subject).replace("{value}", &value)
}

/// A rule.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertRule {
    /// Its name.
    pub name: &'static str,
    /// How urgent its alerts are.
    pub severity: Severity,
    /// What its alerts say, of `{subject}` and `{value}`.
    pub says: &'static str,
    /// A value of at least this, for `raiseAfterSeconds`, raises an alert.
    pub raise: f64,
    /// See `raise`.
    pub raise_after_seconds: f64,
    /// A value below this, for `clearAfterSeconds`, clears it.
    pub clear: f64,
    /// See `clear`.
    pub clear_after_seconds: f64,
    /// Its section of the runbook.
    pub runbook: String,
}

impl From<&Rule> for AlertRule {
    fn from(rule: &Rule) -> Self {
        Self {
            name: rule.name,
            severity: rule.severity,
            says: rule.says,
            raise: rule.raise,
            raise_after_seconds: rule.raise_after.as_secs_f64(),
            clear: rule.clear,
            clear_after_seconds: rule.clear_after.as_secs_f64(),
            runbook: runbook(rule.name),
        }
    }
}

/// The alerts, and the rules by which they are raised.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Alerts {
    /// Those in force, and those that were cleared within a week; of a rule and a subject the last. The newest first.
    pub items: Vec<Alert>,
    /// The rules.
    pub rules: Vec<AlertRule>,
}

impl Alerts {
    /// These alerts, with the rules by which they are raised now.
    #[must_use]
    pub fn of(items: Vec<Alert>, rules: &[Rule]) -> Self {
        Self { items, rules: rules.iter().map(AlertRule::from).collect() }
    }
}
