//! How the processes watch themselves, and where alerts are posted.

use crate::Secret;
use std::{str::FromStr, time::Duration};

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

    /// The same, this many times as fast.
    #[must_use]
    pub fn hurried(self, times: u32) -> Self {
        Self { every: self.every / times, window: self.window / times, pace: self.pace / f64::from(times) }
    }
}

/// A threshold of an alert rule, in place of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertThreshold {
    /// The rule's name.
    pub rule: String,
    /// A value of at least this is amiss.
    pub raise: f64,
}

impl FromStr for AlertThreshold {
    type Err = String;

    /// `EventsWait=30`.
    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('=').map(|(rule, raise)| (rule.trim(), raise.trim().parse::<f64>().ok()));
        match parts {
            Some((rule, Some(raise))) if !rule.is_empty() && raise.is_finite() && raise >= 0.0 => {
                Ok(Self { rule: rule.to_owned(), raise })
            }
            _ => Err(format!("{text:?} is not a threshold such as EventsWait=30")),
        }
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
