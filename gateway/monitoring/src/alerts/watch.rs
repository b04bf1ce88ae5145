//! The job that raises and clears alerts: one process at a time, for all of them.

use super::{AlertTable, Change, steps, with_thresholds};
use crate::{Installation, ProcessTable};
use broker::{Broker, Signal};
use commands::Commands;
use config::{Live, MonitoringSettings};
use domain::{Timestamp, user::Role};
use jobs::Periodic;
use projections::{Queries, queries::QueryError};
use sql::Database;
use std::time::Duration;
use uuid::Uuid;

/// For how long a change is tried to be posted.
const POSTED_WITHIN: Duration = Duration::from_secs(3_600);
/// How long an alert that is pushed to sockets is worth something.
const WORTH: Duration = Duration::from_secs(30);
/// The most administrators to whom an alert is pushed.
const ADMINISTRATORS: u32 = 100;
/// The name of the signal.
const ALERT: &str = "alert";

/// A round failed.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The read models are away.
    #[error(transparent)]
    Sql(#[from] sql::Error),
}

/// Raises and clears alerts. Two processes that do so for a moment write the same rows; a change may then be pushed and
/// posted twice.
#[derive(Clone)]
pub struct WatchAlerts {
    /// The read models.
    pub read_models: Database,
    /// How often, and how patiently.
    pub settings: MonitoringSettings,
    /// The thresholds of the rules.
    pub live: Live,
    /// Whether changes are posted to a webhook.
    pub posts: bool,
    /// Where alerts are pushed to administrators.
    pub broker: Broker,
    /// Finds the administrators …
    pub queries: Queries,
    /// … and knows whether they still are.
    pub commands: Commands,
    /// The clock of signals.
    pub clock: fn() -> Timestamp,
    /// Where new ids come from.
    pub ids: fn() -> Uuid,
}

impl Periodic for WatchAlerts {
    const LEASE: &'static str = "alerts.watch";
    type Memory = ();
    type Error = WatchError;

    fn pause(&self) -> Duration {
        self.settings.every
    }

    async fn round(&self, (): &mut ()) -> Result<(), WatchError> {
        let table = AlertTable::new(self.read_models.clone());
        let processes = ProcessTable::new(self.read_models.clone()).all().await?;
        let installation = Installation::new(processes, self.settings.fresh());
        let (known, now) = table.known().await?;
        let within = i64::try_from(POSTED_WITHIN.as_millis()).unwrap_or(i64::MAX);
        let post_until = self.posts.then(|| now.saturating_add(within));
        let rules = with_thresholds(&self.live.get().alert_thresholds);
        for step in steps(&rules, &known, &installation, now, self.settings.pace) {
            table.keep(&step, now, (self.ids)(), post_until).await?;
            let Some(alert) = step.alert(now) else { continue };
            match step.change {
                Some(Change::Raised) => tracing::warn!(
                    alert.rule = alert.rule,
                    alert.subject = alert.subject,
                    alert.runbook = alert.runbook,
                    "alert: {}",
                    alert.summary
                ),
                _ => tracing::info!(alert.rule = alert.rule, alert.subject = alert.subject, "an alert was cleared"),
            }
            if let Ok(data) = serde_json::to_value(&alert) {
                self.push(data).await;
            }
        }
        table.forget_old(now).await?;
        Ok(())
    }
}

impl WatchAlerts {
    /// Pushes an alert to the sockets of administrators. Who misses it finds it at `/chat/performance/alerts`.
    async fn push(&self, data: serde_json::Value) {
        let users = match self.administrators().await {
            Ok(users) => users,
            Err(error) => {
                tracing::debug!(error.cause = %error, "an alert is not pushed: the administrators are not known");
                return;
            }
        };
        if users.is_empty() {
            return;
        }
        let worth = i64::try_from(WORTH.as_millis()).unwrap_or(i64::MAX);
        let expires_at = (self.clock)().millis().saturating_add(worth);
        metrics::counter!("chatchit_signals_sent_total", "name" => ALERT).increment(1);
        self.broker.signal(Signal {
            name: ALERT.to_owned(),
            scope: None,
            users,
            from: None,
            from_session: None,
            from_socket: None,
            to_session: None,
            within: None,
            except: Vec::new(),
            sent_at: None,
            data,
            expires_at,
        });
    }

    /// The administrators, as the log knows them now.
    async fn administrators(&self) -> Result<Vec<Uuid>, QueryError> {
        let mut administrators = Vec::new();
        for user in self.queries.administrators(ADMINISTRATORS).await? {
            let account = self.commands.user(user).await;
            if account.is_ok_and(|known| known.state.may_act().is_ok() && known.state.role() == Role::Admin) {
                administrators.push(user.0);
            }
        }
        Ok(administrators)
    }
}
