//! Session leases.

use super::support::{Arm, node, session, until, user};
use domain::UserId;
use graph::Graph;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

const LONG: Duration = Duration::from_secs(3_600);
const SHORT: Duration = Duration::from_millis(200);
const LONGER: Duration = Duration::from_secs(3);

/// Expires leases until `users` are offline; returns all users who went offline.
async fn gone(graph: &Graph, users: &[UserId]) -> BTreeSet<UserId> {
    let mut gone = BTreeSet::new();
    until("the end of leases", async || {
        gone.extend(graph.expire().await.unwrap());
        users.iter().all(|user| gone.contains(user))
    })
    .await;
    gone
}

#[tokio::test]
async fn leases_expire_and_outlive_every_epoch() {
    for (graph, _) in Arm::each_published().await {
        let (ana, bo) = (user(1), user(2));
        graph.lease(ana, session(1), node(1), SHORT).await.unwrap();
        graph.lease(ana, session(2), node(1), LONG).await.unwrap();
        graph.lease(bo, session(3), node(1), LONGER).await.unwrap();
        graph.lease(bo, session(3), node(1), Duration::ZERO).await.unwrap();
        assert!(graph.begin(super::support::at(0)).await.unwrap().publish().await.unwrap());
        graph.sweep().await.unwrap();
        assert_eq!(graph.count_online().await.unwrap(), 2, "the longer lease holds");
        until("the first end", async || graph.sessions(ana).await.unwrap() == BTreeSet::from([session(2)])).await;
        assert_eq!(gone(&graph, &[bo]).await, BTreeSet::from([bo]));
        assert_eq!(graph.count_online().await.unwrap(), 1);
        assert_eq!(graph.expire().await.unwrap(), BTreeSet::new(), "reported once");
        graph.release(ana, session(2), node(1)).await.unwrap();
        graph.release(ana, session(2), node(1)).await.unwrap();
        assert_eq!(graph.sessions(ana).await.unwrap(), BTreeSet::new());
        assert_eq!(graph.count_online().await.unwrap(), 0);
        assert_eq!(graph.expire().await.unwrap(), BTreeSet::new(), "a released user is not reported");
    }
}

#[tokio::test]
async fn reading_an_expired_lease_does_not_hide_it_from_expiry() {
    for graph in Arm::each() {
        graph.lease(user(1), session(1), node(1), Duration::ZERO).await.unwrap();
        assert_eq!(graph.sessions(user(1)).await.unwrap(), BTreeSet::new());
        assert_eq!(graph.online(&[user(1)]).await.unwrap(), BTreeSet::new());
        assert_eq!(graph.expire().await.unwrap(), BTreeSet::from([user(1)]));
    }
}

#[tokio::test]
async fn a_session_that_moved_is_not_released_by_its_old_process() {
    for graph in Arm::each() {
        let ana = user(1);
        graph.lease(ana, session(1), node(1), SHORT).await.unwrap();
        graph.lease(ana, session(1), node(2), LONG).await.unwrap();
        assert_eq!(graph.sessions(ana).await.unwrap(), BTreeSet::from([session(1)]));
        until("the end of the first", async || graph.nodes(&[ana]).await.unwrap() == BTreeSet::from([node(2)])).await;
        let here = graph.here(&[ana, user(2)]).await.unwrap();
        assert_eq!(here, BTreeMap::from([(ana, BTreeSet::from([(session(1), node(2))]))]));
        assert_eq!(graph.expire().await.unwrap(), BTreeSet::new());
        graph.release(ana, session(1), node(1)).await.unwrap();
        assert_eq!(graph.nodes(&[ana]).await.unwrap(), BTreeSet::from([node(2)]));
        graph.release(ana, session(1), node(2)).await.unwrap();
        assert_eq!(graph.nodes(&[ana]).await.unwrap(), BTreeSet::new());
    }
}

#[tokio::test]
async fn a_user_is_gone_when_the_last_lease_has_ended() {
    for graph in Arm::each() {
        let ana = user(1);
        graph.lease(ana, session(1), node(1), SHORT).await.unwrap();
        graph.lease(ana, session(2), node(2), LONGER).await.unwrap();
        until("the first end", async || graph.sessions(ana).await.unwrap() == BTreeSet::from([session(2)])).await;
        graph.lease(ana, session(2), node(2), LONGER).await.unwrap();
        assert_eq!(graph.expire().await.unwrap(), BTreeSet::new(), "the other is dropped");
        assert_eq!(gone(&graph, &[ana]).await, BTreeSet::from([ana]));
    }
}

#[tokio::test]
async fn thousands_are_renewed_looked_up_and_expired() {
    for graph in Arm::each() {
        let sessions: Vec<_> = (0..5_000).map(|n| (user(n), session(n))).collect();
        let users: Vec<_> = sessions.iter().map(|(user, _)| *user).collect();
        graph.renew(&sessions, node(1), Duration::ZERO).await.unwrap();
        graph.renew(&sessions[..2_500], node(2), LONG).await.unwrap();
        assert_eq!(graph.online(&users).await.unwrap().len(), 2_500);
        assert_eq!(graph.nodes(&users).await.unwrap(), BTreeSet::from([node(2)]));
        assert_eq!(graph.nodes(&users[2_500..]).await.unwrap(), BTreeSet::new());
        assert_eq!(graph.expire().await.unwrap(), users[2_500..].iter().copied().collect());
        graph.release_all(&sessions[..1_000], node(2)).await.unwrap();
        assert_eq!(graph.online(&users).await.unwrap(), users[1_000..2_500].iter().copied().collect());
        assert_eq!(graph.online(&[]).await.unwrap(), BTreeSet::new());
        let stats = graph.stats();
        assert!(stats.round_trips < 60, "{stats:?}");
    }
}

#[tokio::test]
async fn a_lease_may_last_beyond_the_range_of_the_clock() {
    for graph in Arm::each() {
        for (number, lasts) in [(1, LONG), (2, Duration::MAX), (3, Duration::from_millis(1 << 53))] {
            graph.lease(user(number), session(number), node(1), lasts).await.unwrap();
            assert_eq!(graph.online(&[user(number)]).await.unwrap(), BTreeSet::from([user(number)]));
        }
        assert_eq!(graph.expire().await.unwrap(), BTreeSet::new());
    }
}
