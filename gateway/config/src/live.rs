//! Settings that a running server takes over again, on SIGHUP.

use super::{AlertThreshold, Config, Secret};
use std::sync::{Arc, PoisonError, RwLock};

/// The values in force of the settings marked as reloaded in [`VARIABLES`](crate::variables::VARIABLES), except the filter of
/// log lines. Clones share them.
#[derive(Clone, Debug)]
pub struct Live(Arc<RwLock<Arc<LiveSettings>>>);

/// One set of values: a reader of several sees those of one configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveSettings {
    /// Web origins that may call; `*` for any.
    pub allowed_origins: Vec<String>,
    /// The token that reads the metrics from other machines.
    pub metrics_token: Option<Secret>,
    /// Thresholds of alert rules, in place of their own.
    pub alert_thresholds: Vec<AlertThreshold>,
}

impl Live {
    /// The values of a configuration.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(LiveSettings::of(config)))))
    }

    /// The values in force.
    #[must_use]
    pub fn get(&self) -> Arc<LiveSettings> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts the values of another configuration in force.
    pub fn set(&self, config: &Config) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(LiveSettings::of(config));
    }
}

impl LiveSettings {
    fn of(config: &Config) -> Self {
        let Config { allowed_origins, metrics_token, alert_thresholds, .. } = config;
        Self {
            allowed_origins: allowed_origins.clone(),
            metrics_token: metrics_token.clone(),
            alert_thresholds: alert_thresholds.clone(),
        }
    }
}
