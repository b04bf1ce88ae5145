//! Budgets that processes share.

use super::support::{Arm, LOG};
use graph::Grant;

/// An hour: the budget does not refill during a test.
const HOUR_US: u32 = 3_600_000_000;

#[tokio::test]
async fn processes_have_one_budget() {
    let arm = Arm::redis();
    let other = arm.elsewhere(LOG);
    assert_eq!(arm.grant("send:ana", HOUR_US, 10, 4).await.unwrap(), Grant { granted: 4, wait_us: 0 });
    assert_eq!(other.grant("send:ana", HOUR_US, 10, 4).await.unwrap().granted, 4);
    assert_eq!(arm.grant("send:ana", HOUR_US, 10, 4).await.unwrap().granted, 2, "what is left");
    let none = other.grant("send:ana", HOUR_US, 10, 4).await.unwrap();
    assert_eq!(none.granted, 0);
    assert!((1..=i64::from(HOUR_US)).contains(&none.wait_us), "{none:?}");
    assert_eq!(other.grant("send:bo", HOUR_US, 10, 4).await.unwrap().granted, 4, "each has its own");
}

#[tokio::test]
async fn a_budget_in_memory_is_not_shared() {
    let arm = Arm::memory();
    for _ in 0..9 {
        assert_eq!(arm.grant("send:ana", HOUR_US, 10, 4).await.unwrap(), Grant { granted: 4, wait_us: 0 });
    }
}
