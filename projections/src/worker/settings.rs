//! The settings of a worker.

use broker::Broker;
use domain::Timestamp;
use event_store::EventStore;
use sql::Database;
use std::{sync::Arc, time::Duration};
use uuid::Uuid;

/// The settings of a worker.
#[derive(Clone)]
pub struct WorkerSettings {
    pub store: EventStore,
    pub broker: Broker,
    /// The read models, migrated.
    pub database: Database,
    /// Connections to the read models that only leases use; `None`: those of `database`.
    pub leases_in: Option<Database>,
    /// The id of this worker; it MUST be new.
    pub owner: Uuid,
    /// How long a lease lasts without being renewed. It is renewed four times as often.
    pub lease: Duration,
    /// Stamps parked events.
    pub clock: fn() -> Timestamp,
    /// Names the build of this process. A starting worker retries the parked events of other builds.
    pub build: Arc<str>,
}
