//! A score of how the installation fares.

use crate::{
    Installation,
    dashboard::{engines, stalled},
};
use protocol::{Alert, Severity};
use serde::Serialize;
use utoipa::ToSchema;

/// How the score is made of its inputs.
const FORMULA: &str = "max(0, 100 - 40 criticalAlerts - 15 warnings - 15 enginesAway - 10 stalled - 10 silentProcesses \
    - min(20, 1000 failedShare)); 0 without a current process";

const REQUESTS: &str = "chatchit_http_requests_total";
/// Requests a second, of fewer of which a share says nothing.
const FEW_PER_SECOND: f64 = 0.2;

/// How well the installation fares.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HealthScore)]
pub struct Health {
    /// From 0 to 100: nothing is amiss.
    #[schema(minimum = 0, maximum = 100)]
    pub score: u32,
    /// How it is made of the inputs.
    pub formula: &'static str,
    /// What it is made of.
    pub inputs: HealthInputs,
}

/// What the score is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthInputs {
    /// Critical alerts in force.
    pub critical_alerts: usize,
    /// Other alerts in force.
    pub warnings: usize,
    /// Engines that a process does not reach.
    pub engines_away: usize,
    /// Parts that do not move.
    pub stalled: usize,
    /// Processes that do not publish any more, and did not end in order.
    pub silent_processes: usize,
    /// Processes that publish.
    pub current_processes: usize,
    /// The share of HTTP requests of the last minute that failed with 5xx, from 0 to 1.
    pub failed_share: f64,
}

impl Health {
    pub(crate) fn of(installation: &Installation, alerts: &[Alert]) -> Self {
        let current_processes = installation.current().count();
        Self::made_of(HealthInputs {
            critical_alerts: alerts.iter().filter(|alert| alert.severity == Severity::Critical).count(),
            warnings: alerts.iter().filter(|alert| alert.severity == Severity::Warning).count(),
            engines_away: engines(installation).iter().filter(|engine| !engine.up).count(),
            stalled: stalled(installation).len(),
            silent_processes: installation.processes.len() - current_processes,
            current_processes,
            failed_share: failed_share(installation).unwrap_or_default(),
        })
    }

    fn made_of(inputs: HealthInputs) -> Self {
        let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
        let lost = 40.0 * count(inputs.critical_alerts)
            + 15.0 * (count(inputs.warnings) + count(inputs.engines_away))
            + 10.0 * (count(inputs.stalled) + count(inputs.silent_processes))
            + (1000.0 * inputs.failed_share).min(20.0);
        let score = if inputs.current_processes == 0 { 0.0 } else { (100.0 - lost).max(0.0) };
        Self { score: score.round() as u32, formula: FORMULA, inputs }
    }
}

/// HTTP requests a second that failed with 5xx.
pub(crate) fn failures(of: &Installation) -> f64 {
    let failed = of
        .sums
        .iter()
        .filter(|(id, _)| id.name == REQUESTS && id.labels.get("status").is_some_and(|status| status.starts_with('5')));
    failed.filter_map(|(_, sum)| sum.rate).sum()
}

/// The share of HTTP requests that failed with 5xx; `None` when there were too few to tell.
pub(crate) fn failed_share(of: &Installation) -> Option<f64> {
    let all = of.rate(REQUESTS, &[]);
    (all >= FEW_PER_SECOND).then(|| failures(of) / all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_score_falls_with_each_input_and_never_below_zero() {
        let well = HealthInputs { current_processes: 2, ..HealthInputs::default() };
        let score = |inputs: HealthInputs| Health::made_of(inputs).score;
        assert_eq!(score(well), 100);
        assert_eq!(score(HealthInputs { critical_alerts: 1, ..well }), 60);
        assert_eq!(score(HealthInputs { warnings: 1, engines_away: 1, ..well }), 70);
        assert_eq!(score(HealthInputs { stalled: 1, silent_processes: 1, ..well }), 80);
        assert_eq!(score(HealthInputs { failed_share: 0.01, ..well }), 90);
        assert_eq!(score(HealthInputs { failed_share: 1.0, ..well }), 80);
        assert_eq!(score(HealthInputs { critical_alerts: 3, ..well }), 0);
        assert_eq!(score(HealthInputs::default()), 0, "nobody publishes");
    }
}
