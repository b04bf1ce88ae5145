//! Epochs: no incomplete graph is read, and a late writer has no effect.

use super::support::{Arm, at, friends, user};
use domain::{Lane, Partition, Tier};
use graph::{GraphError, Marks};
use std::collections::{BTreeMap, BTreeSet};

fn marks(high: u64, medium: u64, settled: u64) -> Marks {
    let lane = |tier| Lane { tier, partition: Partition(3) };
    Marks { lanes: BTreeMap::from([(lane(Tier::High), high), (lane(Tier::Medium), medium)]), settled }
}

#[tokio::test]
async fn nothing_is_read_before_an_epoch_is_published() {
    for graph in Arm::each() {
        assert!(graph.epoch().await.unwrap().is_none());
        assert_eq!(graph.friends(user(1)).await, Err(GraphError::Rebuilding));
        let epoch = graph.begin(at(5)).await.unwrap();
        epoch.apply_all(&[friends(1, true)]).await.unwrap();
        assert_eq!(graph.friends(user(1)).await, Err(GraphError::Rebuilding));
        assert!(graph.epoch().await.unwrap().is_none());
        assert!(epoch.publish().await.unwrap());
        assert_eq!(graph.friends(user(1)).await, Ok(BTreeSet::from([user(2)])));
        assert_eq!(graph.epoch().await.unwrap().unwrap().number(), epoch.number());
        assert!(epoch.publish().await.unwrap(), "published again");
    }
}

#[tokio::test]
async fn readers_keep_the_old_epoch_until_the_new_one_is_published() {
    for (graph, old) in Arm::each_published().await {
        old.apply_all(&[friends(1, true)]).await.unwrap();
        let new = graph.begin(at(0)).await.unwrap();
        assert!(new.number() > old.number());
        assert_eq!(graph.friends(user(1)).await, Ok(BTreeSet::from([user(2)])));
        assert!(new.publish().await.unwrap());
        assert_eq!(graph.friends(user(1)).await, Ok(BTreeSet::new()));
    }
}

#[tokio::test]
async fn a_late_writer_has_no_effect() {
    for (graph, old) in Arm::each_published().await {
        let new = graph.begin(at(0)).await.unwrap();
        assert!(new.publish().await.unwrap());
        old.apply_all(&[friends(9, true)]).await.unwrap();
        old.save_marks(&marks(9, 9, 9)).await.unwrap();
        assert!(!old.publish().await.unwrap());
        assert_eq!(graph.friends(user(1)).await, Ok(BTreeSet::new()));
        assert_eq!(new.marks().await.unwrap(), Marks::default());
        graph.sweep().await.unwrap();
        assert_eq!(graph.epoch().await.unwrap().unwrap().number(), new.number());
    }
}

#[tokio::test]
async fn of_two_drafts_the_later_one_stays() {
    for graph in Arm::each() {
        let first = graph.begin(at(0)).await.unwrap();
        let second = graph.begin(at(0)).await.unwrap();
        second.apply_all(&[friends(1, true)]).await.unwrap();
        assert!(second.publish().await.unwrap());
        assert!(!first.publish().await.unwrap());
        assert_eq!(graph.friends(user(2)).await, Ok(BTreeSet::from([user(1)])));
    }
}

#[tokio::test]
async fn an_earlier_draft_may_be_published_before_a_later_one() {
    for graph in Arm::each() {
        let first = graph.begin(at(0)).await.unwrap();
        let second = graph.begin(at(0)).await.unwrap();
        assert!(first.publish().await.unwrap());
        graph.sweep().await.unwrap();
        second.apply_all(&[friends(1, true)]).await.unwrap();
        assert!(second.publish().await.unwrap());
        assert_eq!(graph.friends(user(2)).await, Ok(BTreeSet::from([user(1)])));
    }
}

#[tokio::test]
async fn marks_only_rise() {
    for (_graph, epoch) in Arm::each_published().await {
        assert_eq!(epoch.marks().await.unwrap(), Marks::default());
        epoch.save_marks(&marks(5, 9, 4)).await.unwrap();
        epoch.save_marks(&marks(7, 8, 3)).await.unwrap();
        assert_eq!(epoch.marks().await.unwrap(), marks(7, 9, 4));
    }
}

#[test]
fn marks_reach_those_that_are_nowhere_greater() {
    assert!(marks(5, 9, 4).reach(&marks(5, 8, 4)));
    assert!(marks(5, 9, 4).reach(&Marks::default()));
    assert!(!marks(5, 9, 4).reach(&marks(6, 8, 4)));
    assert!(!marks(5, 9, 4).reach(&marks(5, 9, 5)));
    assert!(!Marks::default().reach(&marks(1, 0, 0)));
}
