//! How the installation fares: each process publishes its figures, any process answers for all of them, and one watches
//! for alerts. ADR 39.

pub mod alerts;
mod answers;
mod dashboard;
mod figures;
mod gather;
mod health;
mod installation;
pub mod page;
mod processes;
mod publisher;
mod queues;

pub use answers::{MetricsOfAll, SeriesOfAll, SeriesOfProcess};
pub use dashboard::{Dashboard, ProcessState};
pub use figures::{Figures, Series, Window};
pub use gather::gather;
pub use health::Health;
pub use installation::Installation;
pub use processes::{Identity, Process, ProcessTable};
pub use publisher::Publisher;
pub use queues::{PartitionStats, QueueFigures, TierStats};

use alerts::AlertTable;
use operations::App;
use protocol::{Alert, Problem};
use sql::Database;
use std::time::Duration;
use tokio::time::timeout;

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Answers for the installation. Clones share the connections.
#[derive(Clone)]
pub struct Monitoring {
    processes: ProcessTable,
    alerts: AlertTable,
}

impl Monitoring {
    /// Over the read models, which MUST be migrated.
    #[must_use]
    pub fn new(read_models: Database) -> Self {
        Self { processes: ProcessTable::new(read_models.clone()), alerts: AlertTable::new(read_models) }
    }

    /// The figures of all processes.
    ///
    /// # Errors
    /// 503 when the read models are away.
    pub async fn installation(&self, app: &App) -> Result<Installation, Problem> {
        let all = within(self.processes.all()).await?;
        Ok(Installation::new(all, app.config.monitoring.fresh()))
    }

    /// The alerts in force, and those that were cleared lately.
    ///
    /// # Errors
    /// 503 when the read models are away.
    pub async fn alerts(&self) -> Result<Vec<Alert>, Problem> {
        within(self.alerts.shown()).await
    }

    /// All that the dashboard shows.
    ///
    /// # Errors
    /// 503 when the read models are away.
    pub async fn dashboard(&self, app: &App) -> Result<Dashboard, Problem> {
        let installation = self.installation(app).await?;
        let in_force = self.alerts().await?.into_iter().filter(|alert| alert.is_raised()).collect();
        Ok(Dashboard::of(&installation, in_force, (app.clock)()))
    }

    /// What the lanes of the installation hold.
    ///
    /// # Errors
    /// 503 when log or read models are away.
    pub async fn queues(&self, app: &App) -> Result<QueueFigures, Problem> {
        let installation = self.installation(app).await?;
        queues::read(app, &installation).await
    }
}

async fn within<T>(asked: impl Future<Output = Result<T, sql::Error>>) -> Result<T, Problem> {
    match timeout(PATIENCE, asked).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Problem::unavailable("not_ready", "the read models do not answer", 2)),
    }
}
