//! An alert as it is shown, pushed to administrators, and posted.

use domain::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// How urgent an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// People are affected.
    Critical,
    /// They will be, or something works more slowly.
    Warning,
}

/// Whether an alert is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum AlertState {
    /// It is.
    Raised,
    /// It was.
    Cleared,
}

/// Something that is amiss, or was.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// The name of its rule.
    pub rule: String,
    /// What it is about: an engine, a read model, a process.
    pub subject: String,
    /// How urgent it is.
    pub severity: Severity,
    /// Whether it is in force.
    pub state: AlertState,
    /// What it says.
    pub summary: String,
    /// The value that was measured last.
    pub value: f64,
    /// Since when it is, or was, amiss.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// When it was raised.
    #[schema(value_type = String, format = DateTime)]
    pub raised_at: Timestamp,
    /// When it was cleared; `null` while it is in force.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub cleared_at: Option<Timestamp>,
    /// Its section of the runbook: what it means and what to do.
    pub runbook: String,
}

impl Alert {
    /// Whether it is in force.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.state == AlertState::Raised
    }
}
