//! The job that posts changes of alerts to the webhook, signed as Standard Webhooks are. What is to be posted stands in the
//! table, so that the next process goes on with it.

use super::{AlertTable, table::Due};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use config::{AlertWebhook, MonitoringSettings, Secret};
use domain::Timestamp;
use futures_util::future::try_join_all;
use hmac::{Hmac, Mac};
use jobs::Periodic;
use protocol::Alert;
use reqwest::{Client, header::CONTENT_TYPE, redirect::Policy};
use serde::Serialize;
use sha2::Sha256;
use sql::Database;
use std::time::Duration;
use uuid::Uuid;

/// The most changes that are posted at once.
const AT_ONCE: u32 = 20;
/// How long one try may take.
const WITHIN: Duration = Duration::from_secs(10);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// The longest pause between looks for what is to be posted.
const LOOK: Duration = Duration::from_secs(2);
/// The pause after the first try that failed; each further one is twice as long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// A round failed.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// The read models are away.
    #[error(transparent)]
    Sql(#[from] sql::Error),
}

/// Posts changes of alerts. Each comes at least once; its id is the same at each try.
#[derive(Clone)]
pub struct PostAlerts {
    table: AlertTable,
    settings: MonitoringSettings,
    webhook: AlertWebhook,
    client: Client,
    clock: fn() -> Timestamp,
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: Timestamp,
    data: &'a Alert,
}

impl PostAlerts {
    /// To this webhook. It follows no redirect.
    ///
    /// # Errors
    /// The client cannot be made: the certificates of this machine cannot be read.
    pub fn new(
        read_models: Database,
        settings: MonitoringSettings,
        webhook: AlertWebhook,
        clock: fn() -> Timestamp,
    ) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .redirect(Policy::none())
            .timeout(WITHIN)
            .connect_timeout(CONNECT)
            .pool_max_idle_per_host(1)
            .user_agent(concat!("ChatChit/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { table: AlertTable::new(read_models), settings, webhook, client, clock })
    }

    /// Posts one change, and notes how it went.
    async fn post(&self, due: Due) -> Result<(), sql::Error> {
        let Due { change, alert, attempts } = due;
        let Err(cause) = self.send(change, &alert).await else {
            return self.table.posted(change).await;
        };
        let pause = pause(attempts).mul_f64(self.settings.pace * (0.5 + fastrand::f64() / 2.0));
        if self.table.post_later(change, pause).await? {
            tracing::debug!(
                alert.rule = alert.rule,
                error.cause = cause,
                "an alert could not be posted; it is tried again"
            );
        } else {
            tracing::error!(
                alert.rule = alert.rule,
                error.cause = cause,
                "an alert could not be posted and is given up"
            );
        }
        Ok(())
    }

    async fn send(&self, change: Uuid, alert: &Alert) -> Result<(), String> {
        let kind = if alert.is_raised() { "alert.raised" } else { "alert.cleared" };
        let at = alert.cleared_at.unwrap_or(alert.raised_at);
        let body =
            serde_json::to_string(&Body { kind, timestamp: at, data: alert }).map_err(|error| error.to_string())?;
        let (id, timestamp) = (format!("msg_{}", change.simple()), (self.clock)().millis().div_euclid(1_000));
        let posted = self
            .client
            .post(&self.webhook.url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", timestamp.to_string())
            .header("webhook-signature", signature(&self.webhook.secret, &id, timestamp, &body))
            .body(body)
            .send()
            .await;
        match posted {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(format!("it answered {}", answer.status())),
            // The address may hold a secret.
            Err(error) => Err(error.without_url().to_string()),
        }
    }
}

impl Periodic for PostAlerts {
    const LEASE: &'static str = "alerts.post";
    type Memory = ();
    type Error = PostError;

    fn pause(&self) -> Duration {
        self.settings.every.min(LOOK)
    }

    async fn round(&self, (): &mut ()) -> Result<(), PostError> {
        let due = self.table.due(AT_ONCE).await?;
        try_join_all(due.into_iter().map(|due| self.post(due))).await?;
        Ok(())
    }
}

/// The pause after this many tries failed before.
fn pause(attempts: u64) -> Duration {
    let doubled = u32::try_from(attempts.min(16)).unwrap_or(16);
    FIRST_PAUSE.saturating_mul(1 << doubled).min(LONGEST_PAUSE)
}

/// The signature of a webhook, in the scheme v1 of Standard Webhooks.
#[must_use]
pub fn signature(secret: &Secret, id: &str, timestamp: i64, body: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.bytes()) else { return String::new() };
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_specification() {
        // The example of the Standard Webhooks libraries.
        let key = BASE64_STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed =
            signature(&Secret::new(key), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let seconds: Vec<_> = (0..9).map(|attempts| pause(attempts).as_secs()).collect();
        assert_eq!(seconds, [2, 4, 8, 16, 32, 64, 128, 256, 300]);
        assert_eq!(pause(u64::MAX), LONGEST_PAUSE);
    }
}
