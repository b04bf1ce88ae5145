//! Leases: every partition has one worker, and another one soon after that worker is gone.

use super::support::{DEADLINE, PARTITIONS as FEW, World, clock};
use crate::{Worker, WorkerSettings, worker::Leases};
use broker::Faults;
use domain::Partition;
use sql::Database;
use std::{collections::BTreeSet, time::Duration};
use testkit::{each_engine, until};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const PARTITIONS: u16 = 16;
/// Longer than a test may take.
const LONG: Duration = Duration::from_secs(3_600);

/// The leases of worker `n`.
fn leases(database: &Database, n: u128, duration: Duration) -> Leases {
    Leases::new(database.clone(), Uuid::from_u128(n), duration, PARTITIONS)
}

async fn held(leases: &mut Leases) -> BTreeSet<Partition> {
    leases.renew().await.unwrap();
    leases.held().clone()
}

each_engine!(partitions_are_shared_out_evenly, |home| async move {
    let world = World::new(home).await;
    let (mut first, mut second) = (leases(&world.database, 1, LONG), leases(&world.database, 2, LONG));
    assert_eq!(held(&mut first).await.len(), 16);
    assert!(held(&mut second).await.is_empty(), "nothing is free yet, but the second is known to live");
    assert!(first.renew().await.unwrap(), "the first notices that it holds others now");
    let one = first.held().clone();
    let other = held(&mut second).await;
    assert_eq!((one.len(), other.len()), (8, 8));
    assert!(one.is_disjoint(&other));
    assert!(!second.renew().await.unwrap());

    second.release().await.unwrap();
    assert_eq!(held(&mut first).await.len(), 16);
});

each_engine!(a_third_worker_gets_its_share, |home| async move {
    let world = World::new(home).await;
    let mut workers = [1, 2, 3].map(|n| leases(&world.database, n, LONG));
    // One worker begins alone; then all renew a few times.
    assert_eq!(held(&mut workers[0]).await.len(), 16);
    for _ in 0..3 {
        for worker in &mut workers {
            worker.renew().await.unwrap();
        }
    }
    let mut shares: Vec<_> = workers.iter().map(|worker| worker.held().len()).collect();
    shares.sort_unstable();
    assert_eq!(shares, [4, 6, 6]);
    let all: BTreeSet<_> = workers.iter().flat_map(|worker| worker.held()).collect();
    assert_eq!(all.len(), 16);
});

each_engine!(a_lease_that_is_not_renewed_is_taken_over, |home| async move {
    let world = World::new(home).await;
    let mut silent = leases(&world.database, 1, Duration::from_millis(100));
    assert_eq!(held(&mut silent).await.len(), 16);
    let mut other = leases(&world.database, 2, LONG);
    let taken = async { while held(&mut other).await.len() < 16 {} };
    timeout(DEADLINE, taken).await.expect("it expires");
    assert!(held(&mut silent).await.is_empty(), "what was lost stays lost until it is shared out anew");
    let mut late = leases(&world.database, 3, LONG);
    assert!(held(&mut late).await.is_empty(), "a lease that lasts is left alone");
});

each_engine!(a_worker_has_what_another_does_not_renew_as_soon_as_it_expires, |home| async move {
    let world = World::new(home).await;
    let second = Duration::from_secs(1);
    let mut silent = Leases::new(world.database.clone(), Uuid::from_u128(1), second, FEW);
    assert_eq!(held(&mut silent).await.len(), usize::from(FEW));
    // A worker that looked only when it renews its own leases would be a quarter of an hour late.
    let owner = Uuid::from_u128(2);
    let settings = WorkerSettings {
        store: world.store.clone(),
        broker: world.broker(Faults::NONE),
        database: world.database.clone(),
        leases_in: None,
        owner,
        lease: LONG,
        clock,
        build: "test".into(),
    };
    let token = CancellationToken::new();
    let worker = Worker::start(settings, token.clone());
    let of_it = || sql::query("SELECT COUNT(*) AS count FROM leases WHERE owner = $1").bind(owner);
    let count = async || world.database.fetch_optional(of_it()).await.unwrap().unwrap().get::<i64>("count").unwrap();
    until("the leases to be taken at once", async || count().await >= i64::from(FEW)).await;
    token.cancel();
    worker.stopped().await;
});
