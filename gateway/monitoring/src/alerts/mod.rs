//! Alerts: what is amiss, raised and cleared by one process for all, shown, pushed to administrators, and posted.

mod alert;
mod post;
mod rules;
mod steps;
mod table;
#[cfg(test)]
pub(crate) mod testing;
mod watch;

pub use alert::{AlertRule, Alerts};
pub use post::{PostAlerts, PostError, signature};
pub use rules::{RULES, Rule, with_thresholds};
pub use steps::{Change, Known, Step, steps};
pub use table::AlertTable;
pub use watch::{WatchAlerts, WatchError};
