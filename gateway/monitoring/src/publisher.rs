//! The task that publishes the figures of this process.

use crate::{Identity, PATIENCE, ProcessTable, Window, gather};
use operations::App;
use sql::Database;
use telemetry::Metrics;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

/// Publishes the figures of this process. Clones publish the same.
#[derive(Clone)]
pub struct Publisher {
    app: App,
    metrics: Metrics,
    table: ProcessTable,
    identity: Identity,
}

impl Publisher {
    /// Of this process, into the read models, which MUST be migrated.
    #[must_use]
    pub const fn new(app: App, metrics: Metrics, read_models: Database, identity: Identity) -> Self {
        Self { app, metrics, table: ProcessTable::new(read_models), identity }
    }

    /// Publishes until `stop`, and then removes the row: a process that ends is not missed.
    pub async fn run(self, stop: CancellationToken) {
        let settings = self.app.config.monitoring;
        let mut window = Window::new(settings.window);
        let mut ticks = interval(settings.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_held_up = false;
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            let Some(published) = stop.run_until_cancelled(self.publish(&mut window)).await else { break };
            match published {
                Ok(()) => is_held_up = false,
                // It was logged once.
                Err(_) if std::mem::replace(&mut is_held_up, true) => (),
                Err(cause) => tracing::warn!(error.cause = cause, "This process cannot publish its figures"),
            }
        }
        if !matches!(timeout(PATIENCE, self.table.withdraw(self.identity.process)).await, Ok(Ok(()))) {
            tracing::debug!("The figures of this process stay for ten minutes");
        }
    }

    async fn publish(&self, window: &mut Window) -> Result<(), String> {
        gather(&self.app).await;
        let figures = window.take(Instant::now(), self.metrics.read(), self.app.stalled_parts());
        match timeout(PATIENCE, self.table.publish(&self.identity, &figures)).await {
            Ok(published) => published.map_err(|error| error.to_string()),
            Err(_) => Err("no answer".to_owned()),
        }
    }
}
