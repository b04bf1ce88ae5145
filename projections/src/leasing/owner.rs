//! Owners: the processes that hold leases, and the detection of dead ones.
//!
//! A lease expires when its owner is silent, which is all that can be known of a frozen host. A killed process leaves
//! its lock (`sql::OwnerLock`) free; the process that finds it free releases the dead one's leases.

use sql::{Database, OwnerLock, query};
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How often an owner checks its lock and looks for dead owners.
const CHECK: Duration = Duration::from_secs(1);
/// The longest duration of one check.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);
/// The tables of leases, in the order in which their takers lock them.
const HELD: [&str; 4] = ["workers", "leases", "duties", "owners"];

/// This process as an owner of leases. Dropping it frees them for other processes.
pub struct Owner {
    database: Database,
    id: Uuid,
    lock: OwnerLock,
}

impl Owner {
    /// Registers this process under `id`, which MUST be new, and releases the leases of dead owners.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn begin(database: Database, id: Uuid) -> Result<Self, sql::Error> {
        let (_, key) = id.as_u64_pair();
        let lock = database.owner_lock(key.cast_signed()).await?;
        let mut owner = Self { database, id, lock };
        owner.look().await?;
        Ok(owner)
    }

    #[must_use]
    pub const fn id(&self) -> Uuid {
        self.id
    }

    /// Keeps the lock and releases the leases of dead owners, until `stop`.
    pub async fn keep(&mut self, stop: &CancellationToken) {
        let mut is_held_up = false;
        while stop.run_until_cancelled(sleep(CHECK)).await.is_some() {
            let Some(looked) = stop.run_until_cancelled(timeout(CHECK_TIMEOUT, self.look())).await else { return };
            match looked {
                Ok(Ok(())) => is_held_up = false,
                // It was logged once; the leases last until they expire.
                _ if std::mem::replace(&mut is_held_up, true) => (),
                Ok(Err(error)) => tracing::warn!(error.cause = %error, "This process cannot keep its owner's lock"),
                Err(_) => tracing::warn!("This process cannot keep its owner's lock: no answer"),
            }
        }
    }

    pub(crate) async fn look(&mut self) -> Result<(), sql::Error> {
        self.lock.keep().await?;
        let known = query("INSERT INTO owners (owner, lock_key) VALUES ($1, $2) ON CONFLICT (owner) DO NOTHING");
        let mut others = Vec::new();
        let mut is_known = false;
        for row in self.database.fetch_all(query("SELECT owner, lock_key FROM owners")).await? {
            let (owner, key): (Uuid, i64) = (row.get("owner")?, row.get("lock_key")?);
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
            if self.database.is_owner_dead(&mut tx, key).await? {
                gone.push((owner, key));
            }
        }
        tx.rollback().await?;
        for (owner, key) in gone {
            self.release_dead(owner, key).await?;
        }
        Ok(())
    }

    /// Releases the leases of a dead owner.
    async fn release_dead(&self, owner: Uuid, key: i64) -> Result<(), sql::Error> {
        let mut tx = self.database.begin().await?;
        // Checked again in this transaction: on Postgres, this keeps the owner from retaking its lock meanwhile.
        if self.database.is_owner_dead(&mut tx, key).await? {
            for table in HELD {
                tx.execute(query(format!("DELETE FROM {table} WHERE owner = $1")).bind(owner)).await?;
            }
            tx.commit().await?;
            tracing::info!(%owner, "Released the leases of a dead process");
        }
        Ok(())
    }
}
