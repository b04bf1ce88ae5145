//! The checkpoints of the reactors, in the log's database. Reactions that failed are parked beside them (`parked.rs`).

use super::Reactor;
use broker::Marks;
use domain::Partition;
use sql::{Database, Error, query};
use std::{collections::BTreeMap, sync::Arc};

/// The checkpoints of the reactors: per partition, the marks of both tiers.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    pub(super) database: Database,
    /// The build of this process: reactions that another build parked are retried at once.
    pub(super) build: Arc<str>,
}

impl Checkpoints {
    /// Over the log's database.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self { database, build: "".into() }
    }

    /// The same, for a process of this build.
    #[must_use]
    pub fn of_build(self, build: &str) -> Self {
        Self { build: build.into(), ..self }
    }

    /// The marks of `reactor` in each partition.
    ///
    /// # Errors
    /// Fails when the database cannot be read.
    pub async fn load(&self, reactor: Reactor, partitions: u16) -> Result<BTreeMap<Partition, Marks>, Error> {
        let mut marks: BTreeMap<_, _> = (0..partitions).map(|n| (Partition(n), Marks::default())).collect();
        let select = query("SELECT partition, high, medium FROM reactor_checkpoints WHERE reactor = $1");
        for row in self.database.fetch_all(select.bind(reactor.name())).await? {
            let partition = Partition(u16::try_from(row.unsigned("partition")?).unwrap_or(u16::MAX));
            if let Some(marks) = marks.get_mut(&partition) {
                *marks = Marks { high: row.unsigned("high")?, medium: row.unsigned("medium")? };
            }
        }
        Ok(marks)
    }

    /// Stores the marks of `reactor`. They never decrease, even if another process is behind.
    ///
    /// # Errors
    /// Fails when the database cannot be written.
    pub async fn save(&self, reactor: Reactor, marks: &BTreeMap<Partition, Marks>) -> Result<(), Error> {
        let rows = marks.iter().map(|(partition, marks)| {
            vec![reactor.name().into(), partition.0.into(), marks.high.into(), marks.medium.into()]
        });
        let mut transaction = self.database.begin().await?;
        transaction
            .insert(
                "INSERT INTO reactor_checkpoints (reactor, partition, high, medium) VALUES",
                rows.collect(),
                "ON CONFLICT (reactor, partition) DO UPDATE SET
                     high = CASE WHEN excluded.high > reactor_checkpoints.high
                         THEN excluded.high ELSE reactor_checkpoints.high END,
                     medium = CASE WHEN excluded.medium > reactor_checkpoints.medium
                         THEN excluded.medium ELSE reactor_checkpoints.medium END",
            )
            .await?;
        transaction.commit().await
    }
}
