//! Leases: every partition has one worker, and another one soon after that worker is gone.

use super::support::World;
use crate::worker::Leases;
use domain::{Partition, Timestamp};
use sql::Database;
use std::{collections::BTreeSet, time::Duration};
use testkit::each_engine;
use uuid::Uuid;

const PARTITIONS: u16 = 16;

fn at_first() -> Timestamp {
    Timestamp::from_millis(1_000)
}
fn in_time() -> Timestamp {
    Timestamp::from_millis(10_900)
}
fn too_late() -> Timestamp {
    Timestamp::from_millis(11_001)
}

/// The leases of worker `n`, as of some time; each lasts ten seconds.
fn leases(database: &Database, n: u128, clock: fn() -> Timestamp) -> Leases {
    Leases::new(database.clone(), Uuid::from_u128(n), Duration::from_secs(10), PARTITIONS, clock)
}

async fn held(leases: &mut Leases) -> BTreeSet<Partition> {
    leases.renew().await.unwrap();
    leases.held().clone()
}

each_engine!(partitions_are_shared_out_evenly, |home| async move {
    let world = World::new(home).await;
    let (mut first, mut second) = (leases(&world.database, 1, at_first), leases(&world.database, 2, at_first));
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

each_engine!(a_lease_that_is_not_renewed_is_taken_over, |home| async move {
    let world = World::new(home).await;
    assert_eq!(held(&mut leases(&world.database, 1, at_first)).await.len(), 16);
    assert_eq!(held(&mut leases(&world.database, 2, in_time)).await.len(), 0);
    assert_eq!(held(&mut leases(&world.database, 2, too_late)).await.len(), 16);
    let mut returned = leases(&world.database, 1, too_late);
    assert!(held(&mut returned).await.is_empty(), "what was lost stays lost until it is shared out anew");
});
