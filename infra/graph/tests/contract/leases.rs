//! Leases: who is here, until when, and where.

use super::support::{Arm, at, node, session, user};
use std::collections::{BTreeMap, BTreeSet};

#[tokio::test]
async fn leases_hold_before_their_end_and_outlive_every_epoch() {
    for (graph, _) in Arm::each_published().await {
        let (ana, bo) = (user(1), user(2));
        graph.lease(ana, session(1), node(1), at(100)).await.unwrap();
        graph.lease(ana, session(2), node(1), at(200)).await.unwrap();
        graph.lease(bo, session(3), node(1), at(150)).await.unwrap();
        graph.lease(bo, session(3), node(1), at(120)).await.unwrap();
        assert!(graph.begin(at(0)).await.unwrap().publish().await.unwrap());
        graph.sweep().await.unwrap();
        assert_eq!(graph.count_here(at(99)).await.unwrap(), 2);
        assert_eq!(graph.sessions(ana, at(99)).await.unwrap(), BTreeSet::from([session(1), session(2)]));
        assert_eq!(graph.sessions(ana, at(100)).await.unwrap(), BTreeSet::from([session(2)]));
        assert_eq!(graph.expire(at(149)).await.unwrap(), BTreeSet::new());
        assert_eq!(graph.expire(at(150)).await.unwrap(), BTreeSet::from([bo]));
        assert_eq!(graph.count_here(at(150)).await.unwrap(), 1);
        assert_eq!(graph.expire(at(150)).await.unwrap(), BTreeSet::new());
        graph.release(ana, session(2), node(1)).await.unwrap();
        graph.release(ana, session(2), node(1)).await.unwrap();
        assert_eq!(graph.sessions(ana, at(100)).await.unwrap(), BTreeSet::new());
        assert_eq!(graph.count_here(at(100)).await.unwrap(), 0);
        assert_eq!(graph.expire(at(500)).await.unwrap(), BTreeSet::new(), "who was released is not expired");
    }
}

#[tokio::test]
async fn a_look_at_what_has_ended_does_not_hide_it_from_expiry() {
    for graph in Arm::each() {
        graph.lease(user(1), session(1), node(1), at(100)).await.unwrap();
        assert_eq!(graph.sessions(user(1), at(100)).await.unwrap(), BTreeSet::new());
        assert_eq!(graph.online(&[user(1)], at(100)).await.unwrap(), BTreeSet::new());
        assert_eq!(graph.expire(at(100)).await.unwrap(), BTreeSet::from([user(1)]));
    }
}

#[tokio::test]
async fn a_session_that_moved_is_not_ended_by_where_it_was() {
    for graph in Arm::each() {
        let ana = user(1);
        graph.lease(ana, session(1), node(1), at(100)).await.unwrap();
        graph.lease(ana, session(1), node(2), at(110)).await.unwrap();
        assert_eq!(graph.sessions(ana, at(0)).await.unwrap(), BTreeSet::from([session(1)]));
        assert_eq!(graph.nodes(&[ana], at(0)).await.unwrap(), BTreeSet::from([node(1), node(2)]));
        let here = graph.here(&[ana, user(2)], at(100)).await.unwrap();
        assert_eq!(here, BTreeMap::from([(ana, BTreeSet::from([(session(1), node(2))]))]));
        graph.release(ana, session(1), node(1)).await.unwrap();
        assert_eq!(graph.nodes(&[ana], at(0)).await.unwrap(), BTreeSet::from([node(2)]));
        assert_eq!(graph.expire(at(105)).await.unwrap(), BTreeSet::new());
        assert_eq!(graph.expire(at(110)).await.unwrap(), BTreeSet::from([ana]));
    }
}

#[tokio::test]
async fn a_user_is_gone_when_the_last_lease_has_ended() {
    for graph in Arm::each() {
        let ana = user(1);
        graph.lease(ana, session(1), node(1), at(100)).await.unwrap();
        graph.lease(ana, session(2), node(2), at(300)).await.unwrap();
        assert_eq!(graph.expire(at(200)).await.unwrap(), BTreeSet::new());
        assert_eq!(graph.sessions(ana, at(0)).await.unwrap(), BTreeSet::from([session(2)]), "the other is dropped");
        graph.lease(ana, session(2), node(2), at(400)).await.unwrap();
        assert_eq!(graph.expire(at(300)).await.unwrap(), BTreeSet::new());
        assert_eq!(graph.expire(at(400)).await.unwrap(), BTreeSet::from([ana]));
    }
}

#[tokio::test]
async fn thousands_are_renewed_looked_up_and_expired() {
    for graph in Arm::each() {
        let sessions: Vec<_> = (0..5_000).map(|n| (user(n), session(n))).collect();
        let users: Vec<_> = sessions.iter().map(|(user, _)| *user).collect();
        let everybody: BTreeSet<_> = users.iter().copied().collect();
        graph.renew(&sessions, node(1), at(100)).await.unwrap();
        graph.renew(&sessions[..2_500], node(2), at(200)).await.unwrap();
        assert_eq!(graph.online(&users, at(50)).await.unwrap(), everybody);
        assert_eq!(graph.online(&users, at(150)).await.unwrap().len(), 2_500);
        assert_eq!(graph.nodes(&users, at(50)).await.unwrap(), BTreeSet::from([node(1), node(2)]));
        assert_eq!(graph.nodes(&users, at(150)).await.unwrap(), BTreeSet::from([node(2)]));
        assert_eq!(graph.nodes(&users[2_500..], at(150)).await.unwrap(), BTreeSet::new());
        assert_eq!(graph.expire(at(100)).await.unwrap().len(), 2_500);
        graph.release_all(&sessions[..1_000], node(2)).await.unwrap();
        assert_eq!(graph.expire(at(200)).await.unwrap(), users[1_000..2_500].iter().copied().collect());
        assert_eq!(graph.online(&[], at(0)).await.unwrap(), BTreeSet::new());
        let stats = graph.stats();
        assert!(stats.round_trips < 60, "{stats:?}");
    }
}

#[tokio::test]
async fn ends_are_told_exactly_however_far_away() {
    for graph in Arm::each() {
        let far = 1_795_460_818_123;
        graph.lease(user(1), session(1), node(1), at(far)).await.unwrap();
        assert_eq!(graph.online(&[user(1)], at(far - 1)).await.unwrap(), BTreeSet::from([user(1)]));
        assert_eq!(graph.expire(at(far - 1)).await.unwrap(), BTreeSet::new());
        assert_eq!(graph.online(&[user(1)], at(far)).await.unwrap(), BTreeSet::new());
        assert_eq!(graph.expire(at(far)).await.unwrap(), BTreeSet::from([user(1)]));
        graph.lease(user(2), session(2), node(1), at(i64::MAX)).await.unwrap();
        assert_eq!(graph.online(&[user(2)], at(far)).await.unwrap(), BTreeSet::from([user(2)]));
    }
}
