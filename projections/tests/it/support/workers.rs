//! Workers with short leases, and waiting for them.

use super::{DEADLINE, World};
use broker::Broker;
use domain::Timestamp;
use projections::{BackOff, Parked, Projection, Worker, WorkerSettings, list_parked};
use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A running clock.
pub(crate) fn running() -> Timestamp {
    static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
    Timestamp::from_millis(1_700_000_000_000 + i64::try_from(BEGUN.elapsed().as_millis()).unwrap())
}

pub(crate) fn worker(
    world: &World,
    broker: &Broker,
    owner: u128,
    back_off: BackOff,
    token: &CancellationToken,
) -> Worker {
    leasing(world, broker, (owner, Duration::from_secs(1)), back_off, token)
}

/// Worker `owner`, whose leases last for `lease`.
pub(crate) fn leasing(
    world: &World,
    broker: &Broker,
    (owner, lease): (u128, Duration),
    back_off: BackOff,
    token: &CancellationToken,
) -> Worker {
    let settings = WorkerSettings {
        store: world.store.clone(),
        broker: broker.clone(),
        database: world.database.clone(),
        leases_in: None,
        owner: Uuid::from_u128(owner),
        lease,
        clock: running,
        build: "test".into(),
    };
    Worker::start_with(settings, back_off, token.clone())
}

/// Waits until the parked events are as wanted. Returns them.
pub(crate) async fn until(world: &World, wanted: impl Fn(&[Parked]) -> bool) -> Vec<Parked> {
    let look = async || Some(list_parked(&world.database).await.unwrap()).filter(|parked| wanted(parked));
    testkit::until_some("the parked events", look).await
}

pub(crate) async fn reached(worker: &Worker, position: u64) {
    assert!(worker.progress().wait(position, &Projection::ALL, DEADLINE).await);
}
