//! What every arm of the graph must do.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use domain::{
    ConversationId, Event, Personal, SessionId, Timestamp, UserId,
    conversation::{ConversationEvent, ConversationType, Settings},
    friendship::FriendshipEvent,
};
use graph::{Change, Graph, Position, Relation, changes};
use proptest::prelude::*;
use std::collections::BTreeSet;
use uuid::Uuid;

/// The arms: an empty graph of each.
fn arms() -> Vec<Graph> {
    vec![Graph::in_memory()]
}

fn user(number: u128) -> UserId {
    UserId(Uuid::from_u128(number))
}

fn conversation(number: u128) -> ConversationId {
    ConversationId(Uuid::from_u128(1_000 + number))
}

fn session(number: u128) -> SessionId {
    SessionId(Uuid::from_u128(2_000 + number))
}

async fn tell(graph: &Graph, position: Position, event: impl Into<Event>, stream: Uuid) {
    for change in changes(&event.into(), stream) {
        graph.apply(position, &change).await.unwrap();
    }
}

#[tokio::test]
async fn friends_and_blocks_follow_the_events_of_the_pair() {
    for graph in arms() {
        let (ana, bo, pair) = (user(1), user(2), Uuid::nil());
        tell(&graph, 1, FriendshipEvent::Requested { by: ana, with: bo }, pair).await;
        assert!(graph.friends(ana).await.unwrap().is_empty());
        tell(&graph, 2, FriendshipEvent::Accepted { by: bo, with: ana }, pair).await;
        assert_eq!(graph.friends(ana).await.unwrap(), BTreeSet::from([bo]));
        assert_eq!(graph.friends(bo).await.unwrap(), BTreeSet::from([ana]));
        tell(&graph, 3, FriendshipEvent::Blocked { by: ana, with: bo }, pair).await;
        assert!(graph.friends(bo).await.unwrap().is_empty());
        assert_eq!(graph.blocked_by(ana).await.unwrap(), BTreeSet::from([bo]));
        assert!(graph.blocked_by(bo).await.unwrap().is_empty());
        tell(&graph, 4, FriendshipEvent::Unblocked { by: ana, with: bo }, pair).await;
        assert!(graph.blocked_by(ana).await.unwrap().is_empty());
        tell(&graph, 5, FriendshipEvent::Accepted { by: ana, with: bo }, pair).await;
        tell(&graph, 6, FriendshipEvent::Unfriended { by: ana, with: bo }, pair).await;
        assert!(graph.friends(ana).await.unwrap().is_empty());
        assert_eq!(graph.position().await.unwrap(), 6);
    }
}

#[tokio::test]
async fn members_follow_the_events_of_the_conversation() {
    for graph in arms() {
        let (ana, bo, cleo, room) = (user(1), user(2), user(3), conversation(1));
        let created = ConversationEvent::Created {
            conversation_type: ConversationType::Group,
            created_by: ana,
            members: vec![ana, bo],
            settings: Personal::new(ana, Settings::default()),
            approval: false,
        };
        tell(&graph, 1, created, room.0).await;
        tell(&graph, 2, ConversationEvent::MemberRequested { user: cleo }, room.0).await;
        assert_eq!(graph.members(room).await.unwrap(), BTreeSet::from([ana, bo]));
        tell(&graph, 3, ConversationEvent::MemberApproved { user: cleo, by: ana }, room.0).await;
        tell(&graph, 4, ConversationEvent::MemberKicked { user: bo, by: ana }, room.0).await;
        assert_eq!(graph.members(room).await.unwrap(), BTreeSet::from([ana, cleo]));
        assert_eq!(graph.conversations(cleo).await.unwrap(), BTreeSet::from([room]));
        assert!(graph.conversations(bo).await.unwrap().is_empty());
        let deleted = ConversationEvent::Deleted { by: None, members: vec![ana, cleo], pending: vec![] };
        tell(&graph, 5, deleted, room.0).await;
        assert!(graph.members(room).await.unwrap().is_empty());
        assert!(graph.conversations(ana).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn what_has_ended_is_not_revived_by_an_event_told_again() {
    for graph in arms() {
        let (ana, room) = (user(1), conversation(1));
        let joined = ConversationEvent::MemberJoined { user: ana };
        tell(&graph, 1, joined.clone(), room.0).await;
        tell(&graph, 2, ConversationEvent::MemberLeft { user: ana }, room.0).await;
        tell(&graph, 1, joined, room.0).await;
        assert!(graph.members(room).await.unwrap().is_empty());
        assert_eq!(graph.position().await.unwrap(), 2);
    }
}

#[tokio::test]
async fn leases_hold_before_their_end_and_outlive_a_clearing() {
    for graph in arms() {
        let (ana, bo, at) = (user(1), user(2), Timestamp::from_millis);
        graph.lease(ana, session(1), at(100)).await.unwrap();
        graph.lease(ana, session(2), at(200)).await.unwrap();
        graph.lease(bo, session(3), at(150)).await.unwrap();
        graph.lease(bo, session(3), at(120)).await.unwrap();
        graph.clear().await.unwrap();
        assert_eq!(graph.sessions(ana, at(99)).await.unwrap(), [session(1), session(2)]);
        assert_eq!(graph.sessions(ana, at(100)).await.unwrap(), [session(2)]);
        assert_eq!(graph.expire(at(149)).await.unwrap(), []);
        assert_eq!(graph.expire(at(150)).await.unwrap(), [bo]);
        assert_eq!(graph.expire(at(150)).await.unwrap(), []);
        graph.release(ana, session(2)).await.unwrap();
        graph.release(ana, session(2)).await.unwrap();
        assert_eq!(graph.sessions(ana, at(100)).await.unwrap(), []);
    }
}

/// All that can be asked of the graph about four people and three conversations.
async fn picture(graph: &Graph) -> Vec<(BTreeSet<UserId>, BTreeSet<UserId>, BTreeSet<ConversationId>)> {
    let mut picture = Vec::new();
    for number in 0..4 {
        picture.push((
            graph.friends(user(number)).await.unwrap(),
            graph.blocked_by(user(number)).await.unwrap(),
            graph.conversations(user(number)).await.unwrap(),
        ));
        let members = graph.members(conversation(number)).await.unwrap();
        picture.push((members, BTreeSet::new(), BTreeSet::new()));
    }
    picture
}

fn change() -> impl Strategy<Value = Change> {
    let relation = (0..3_u8, 0..4_u128, 0..4_u128).prop_map(|(kind, a, b)| match kind {
        0 => Relation::friends(user(a), user(b)),
        1 => Relation::Blocks { by: user(a), with: user(b) },
        _ => Relation::Member { conversation: conversation(a), user: user(b) },
    });
    (relation, any::<bool>()).prop_map(|(relation, holds)| Change { relation, holds })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_doubling_and_any_disorder_give_the_same_graph(
        changes in prop::collection::vec(change(), 1..40),
        again in prop::collection::vec(any::<prop::sample::Index>(), 0..80),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            for (told, disturbed) in arms().into_iter().zip(arms()) {
                for (change, position) in changes.iter().zip(1..) {
                    told.apply(position, change).await.unwrap();
                }
                for index in &again {
                    let index = index.index(changes.len());
                    disturbed.apply(index as u64 + 1, &changes[index]).await.unwrap();
                }
                for (index, change) in changes.iter().enumerate().rev() {
                    disturbed.apply(index as u64 + 1, change).await.unwrap();
                }
                assert_eq!(picture(&told).await, picture(&disturbed).await);
                assert_eq!(told.position().await.unwrap(), disturbed.position().await.unwrap());
            }
        });
    }
}
