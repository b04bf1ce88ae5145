//! How the processes watch themselves, and where alerts are posted.

use crate::Secret;
use std::time::Duration;

/// How the processes watch themselves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MonitoringSettings {
    /// How often a process publishes its figures, and how often alerts are looked at.
    pub every: Duration,
    /// Over how long rates and latencies are measured.
    pub window: Duration,
    /// By what the durations of alert rules are multiplied: 1, and less in tests.
    pub pace: f64,
}

impl Default for MonitoringSettings {
    fn default() -> Self {
        Self { every: Duration::from_secs(5), window: Duration::from_secs(60), pace: 1.0 }
    }
}

impl MonitoringSettings {
    /// Figures that are older are not counted: four publications are missing.
    #[must_use]
    pub const fn fresh(&self) -> Duration {
        self.every.saturating_mul(4)
    }
}

/// Where alerts are posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertWebhook {
    /// `https://…` or `http://…`.
    pub url: String,
    /// Signs what is posted (Standard Webhooks).
    pub secret: Secret,
}
