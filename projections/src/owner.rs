//! Owners: the processes that hold leases and duties, and how one that died is known at once.
//!
//! A lease expires when its owner is silent for long, which is all that can be said of a host that froze. A process that
//! was killed leaves its lock (`sql::OwnerLock`): whoever finds that free gives up its leases for it.

use sql::{Database, OwnerLock, query};
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How often an owner makes sure of its lock, and looks for others that died.
const LOOK: Duration = Duration::from_secs(1);
/// How long one look takes at most.
const PATIENCE: Duration = Duration::from_secs(5);
/// What an owner can hold, in the order in which those who take it lock it.
const HELD: [&str; 4] = ["workers", "leases", "duties", "owners"];

/// This process, as the one that holds leases and duties. They are others' as soon as it is dropped.
pub struct Owner {
    database: Database,
    id: Uuid,
    lock: OwnerLock,
}

impl Owner {
    /// Makes this process known under `id`, which no other has or had, and frees what dead ones held.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn begin(database: Database, id: Uuid) -> Result<Self, sql::Error> {
        let (_, key) = id.as_u64_pair();
        let lock = database.owner_lock(key.cast_signed()).await?;
        let mut owner = Self { database, id, lock };
        owner.look().await?;
        Ok(owner)
    }

    /// Its name.
    #[must_use]
    pub const fn id(&self) -> Uuid {
        self.id
    }

    /// Keeps its lock and frees what dead ones held, until `stop`.
    pub async fn keep(&mut self, stop: &CancellationToken) {
        let mut is_held_up = false;
        while stop.run_until_cancelled(sleep(LOOK)).await.is_some() {
            let Some(looked) = stop.run_until_cancelled(timeout(PATIENCE, self.look())).await else { return };
            match looked {
                Ok(Ok(())) => is_held_up = false,
                // Not for long, and it has been said: what it holds lasts until it expires.
                _ if std::mem::replace(&mut is_held_up, true) => (),
                Ok(Err(error)) => tracing::warn!(error.cause = %error, "This process cannot show that it lives"),
                Err(_) => tracing::warn!("This process cannot show that it lives: no answer"),
            }
        }
    }

    pub(crate) async fn look(&mut self) -> Result<(), sql::Error> {
        self.lock.keep().await?;
        let known = query("INSERT INTO owners (owner, lock_key) VALUES ($1, $2) ON CONFLICT (owner) DO NOTHING");
        let mut others = Vec::new();
        let mut is_known = false;
        for row in self.database.fetch_all(query("SELECT owner, lock_key FROM owners")).await? {
            let (owner, key): (Uuid, i64) = (row.get(0)?, row.get(1)?);
            is_known |= owner == self.id;
            if owner != self.id {
                others.push((owner, key));
            }
        }
        if !is_known {
            self.database.execute(known.bind(self.id).bind(self.lock.key())).await?;
        }
        if others.is_empty() {
            return Ok(());
        }
        let mut gone = Vec::new();
        let mut tx = self.database.begin_read().await?;
        for (owner, key) in others {
            if self.database.is_owner_gone(&mut tx, key).await? {
                gone.push((owner, key));
            }
        }
        tx.rollback().await?;
        for (owner, key) in gone {
            self.bury(owner, key).await?;
        }
        Ok(())
    }

    /// Frees what one that died held.
    async fn bury(&self, owner: Uuid, key: i64) -> Result<(), sql::Error> {
        let mut tx = self.database.begin().await?;
        // Once more, in this transaction: on Postgres it keeps the owner from taking its lock again meanwhile.
        if self.database.is_owner_gone(&mut tx, key).await? {
            for table in HELD {
                tx.execute(query(format!("DELETE FROM {table} WHERE owner = $1")).bind(owner)).await?;
            }
            tx.commit().await?;
            tracing::info!(%owner, "A process died; what it held is free");
        }
        Ok(())
    }
}
