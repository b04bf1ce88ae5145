//! The server's own counts of signals.

use super::Server;
use anyhow::{Context, Result};
use reqwest::Client;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Counts of all gateways by name; empty if the server does not publish them to us.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Signals(BTreeMap<String, u64>);

impl Signals {
    /// The difference to an earlier count. A restarted gateway counts from 0.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let earlier = |name| before.0.get(name).copied().unwrap_or_default();
        Self(self.0.iter().map(|(name, count)| (name.clone(), count.saturating_sub(earlier(name)))).collect())
    }

    pub(crate) fn describe(&self) -> String {
        let counts: Vec<_> = self.0.iter().map(|(name, count)| format!("{name} {count}")).collect();
        if counts.is_empty() { "nothing for us".to_owned() } else { counts.join(", ") }
    }

    fn add(&mut self, stats: &Value) {
        let signals = stats["signals"].as_object().into_iter().flatten();
        let entry = stats.as_object().and_then(|stats| stats.get_key_value("signalsShedOnEntry"));
        for (name, count) in signals.chain(entry) {
            *self.0.entry(name.clone()).or_default() += count.as_u64().unwrap_or_default();
        }
    }
}

impl Server {
    /// The counts of all gateways. `admin` is an administrator's token.
    pub(crate) async fn signals(&self, admin: Option<&str>) -> Result<Signals> {
        let mut signals = Signals::default();
        let Some(token) = admin else { return Ok(signals) };
        let client = Client::new();
        for door in self.living_doors() {
            let answer = client.get(format!("http://{door}/chat/queue/stats")).bearer_auth(token).send().await?;
            let body = answer.error_for_status().context("the counts of signals")?.bytes().await?;
            signals.add(&serde_json::from_slice(&body)?);
        }
        Ok(signals)
    }
}

#[cfg(test)]
mod tests {
    use super::Signals;
    use serde_json::json;

    #[test]
    fn counts_of_gateways_add_up_and_earlier_ones_are_subtracted() {
        let mut before = Signals::default();
        before.add(&json!({"engine": "x", "signals": {"sent": 5, "shed": 1}, "signalsShedOnEntry": 2}));
        let mut after = before.clone();
        after.add(&json!({"signals": {"sent": 7, "shed": 0}, "signalsShedOnEntry": 1}));
        assert_eq!(after.since(&before).describe(), "sent 7, shed 0, signalsShedOnEntry 1");
    }
}
