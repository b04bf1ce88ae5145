//! The running gateways, and the addresses at which they reach each other.

use sql::{Database, query};
use std::{net::SocketAddr, time::Duration};
use uuid::Uuid;

/// The registry of running gateways. Clones share the connections.
#[derive(Clone, Debug)]
pub struct Gateways {
    database: Database,
    /// A gateway silent for longer has stopped.
    lasts: Duration,
}

impl Gateways {
    /// A gateway silent for longer than `lasts` counts as stopped. The read models MUST be migrated.
    #[must_use]
    pub const fn new(database: Database, lasts: Duration) -> Self {
        Self { database, lasts }
    }

    /// Records that this gateway serves at `address`, and removes silent ones.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn announce(&self, node: Uuid, address: SocketAddr) -> Result<(), sql::Error> {
        let now = self.database.engine().now();
        let announced = query(format!(
            "INSERT INTO gateways (node, address, heard_at) VALUES ($1, $2, {now})
             ON CONFLICT (node) DO UPDATE SET address = excluded.address, heard_at = excluded.heard_at"
        ));
        self.database.execute(announced.bind(node).bind(address.to_string())).await?;
        let silent = query(format!("DELETE FROM gateways WHERE heard_at < {now} - $1"));
        self.database.execute(silent.bind(self.lasts_ms())).await?;
        Ok(())
    }

    /// Removes this gateway.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn withdraw(&self, node: Uuid) -> Result<(), sql::Error> {
        self.database.execute(query("DELETE FROM gateways WHERE node = $1").bind(node)).await.map(drop)
    }

    /// All running gateways.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn all(&self) -> Result<Vec<(Uuid, SocketAddr)>, sql::Error> {
        let now = self.database.engine().now();
        let all = query(format!("SELECT node, address FROM gateways WHERE heard_at >= {now} - $1"));
        let mut found = Vec::new();
        for row in self.database.fetch_all(all.bind(self.lasts_ms())).await? {
            let (node, address): (Uuid, String) = (row.get("node")?, row.get("address")?);
            // A later build may store another kind of address.
            if let Ok(address) = address.parse() {
                found.push((node, address));
            }
        }
        Ok(found)
    }

    fn lasts_ms(&self) -> i64 {
        i64::try_from(self.lasts.as_millis()).unwrap_or(i64::MAX)
    }
}
