//! The table of the processes' figures, in the database of the read models.

use crate::Figures;
use sql::{Database, query};
use std::{fs, time::Duration};
use uuid::Uuid;

/// How long the row of a process that was killed stays: so long is it missed.
const KEPT: Duration = Duration::from_secs(600);

/// Which process publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// New at each start.
    pub process: Uuid,
    /// Its host and port: a process that begins there takes the place of the one before it.
    pub instance: String,
    /// `all`, `gateway` or `worker`.
    pub role: &'static str,
    /// The version of the program.
    pub build: &'static str,
}

impl Identity {
    /// The name of this host and a port on it.
    #[must_use]
    pub fn instance(port: u16) -> String {
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host = host.trim();
        format!("{}:{port}", if host.is_empty() { "localhost" } else { host })
    }
}

/// A process and what it published last.
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    /// Its id.
    pub process: Uuid,
    /// Its host and port.
    pub instance: String,
    /// `all`, `gateway` or `worker`.
    pub role: String,
    /// The version of the program.
    pub build: String,
    /// When it first published, in milliseconds by the database's clock.
    pub started_at: i64,
    /// How old its figures are, in milliseconds by the database's clock.
    pub age_millis: i64,
    /// The figures; those that this build cannot read are empty.
    pub figures: Figures,
}

/// The table. Clones share the connections.
#[derive(Clone, Debug)]
pub struct ProcessTable(Database);

impl ProcessTable {
    /// In the read models, which MUST be migrated.
    #[must_use]
    pub const fn new(read_models: Database) -> Self {
        Self(read_models)
    }

    /// Writes the figures of a process, and removes rows that nobody renews. So there are as many rows as processes began
    /// within ten minutes, at most.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn publish(&self, identity: &Identity, figures: &Figures) -> Result<(), sql::Error> {
        let now = self.0.engine().now();
        let figures = serde_json::to_string(figures).unwrap_or_default();
        let publish = query(format!(
            "INSERT INTO process_figures (process, instance, role, build, started_at, published_at, figures) \
             VALUES ($1, $2, $3, $4, {now}, {now}, $5) \
             ON CONFLICT (process) DO UPDATE SET published_at = excluded.published_at, figures = excluded.figures"
        ));
        let values = publish.bind(identity.process).bind(identity.instance.as_str()).bind(identity.role);
        self.0.execute(values.bind(identity.build).bind(figures)).await?;
        let gone = query(format!(
            "DELETE FROM process_figures WHERE published_at < {now} - $1 OR (instance = $2 AND process <> $3)"
        ));
        let kept = u64::try_from(KEPT.as_millis()).unwrap_or(u64::MAX);
        self.0.execute(gone.bind(kept).bind(identity.instance.as_str()).bind(identity.process)).await?;
        Ok(())
    }

    /// Removes the row of a process that ends.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn withdraw(&self, process: Uuid) -> Result<(), sql::Error> {
        self.0.execute(query("DELETE FROM process_figures WHERE process = $1").bind(process)).await.map(drop)
    }

    /// All processes, the oldest first.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn all(&self) -> Result<Vec<Process>, sql::Error> {
        let now = self.0.engine().now();
        let all = query(format!(
            "SELECT process, instance, role, build, started_at, {now} - published_at AS age, figures \
             FROM process_figures ORDER BY started_at, process"
        ));
        let rows = self.0.fetch_all(all).await?;
        let process = |row: &sql::Row| {
            let figures: String = row.get("figures")?;
            Ok(Process {
                process: row.get("process")?,
                instance: row.get("instance")?,
                role: row.get("role")?,
                build: row.get("build")?,
                started_at: row.get("started_at")?,
                age_millis: row.get::<i64>("age")?.max(0),
                figures: serde_json::from_str(&figures).unwrap_or_default(),
            })
        };
        rows.iter().map(process).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::each_engine;

    each_engine!(a_process_has_one_row_until_it_withdraws_or_is_succeeded, |home| async move {
        let table = ProcessTable::new(Database::connect(&home.read_models(), 2).await.unwrap());
        let identity = |n: u128, instance: &str| Identity {
            process: Uuid::from_u128(n),
            instance: instance.to_owned(),
            role: "worker",
            build: "1",
        };
        let (one, two) = (identity(1, "a:1"), identity(2, "b:1"));
        let figures = Figures { stalled: vec!["hub".to_owned()], ..Figures::default() };
        table.publish(&one, &Figures::default()).await.unwrap();
        table.publish(&two, &Figures::default()).await.unwrap();
        table.publish(&one, &figures).await.unwrap();
        let all = table.all().await.unwrap();
        assert_eq!(all.len(), 2);
        let of_one = all.iter().find(|process| process.process == one.process).unwrap();
        assert_eq!((&of_one.figures, of_one.role.as_str(), of_one.instance.as_str()), (&figures, "worker", "a:1"));
        table.publish(&identity(3, "b:1"), &figures).await.unwrap();
        table.withdraw(one.process).await.unwrap();
        let left: Vec<_> = table.all().await.unwrap().iter().map(|process| process.process).collect();
        assert_eq!(left, [Uuid::from_u128(3)]);
    });
}
