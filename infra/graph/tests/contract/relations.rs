//! Relations follow the events, however often and in whatever order they are applied.

use super::support::{Arm, at, conversation, user};
use domain::{
    ConversationId, Event, Personal, UserId,
    conversation::{ConversationEvent, ConversationType, Settings},
    friendship::FriendshipEvent,
};
use graph::{Change, Epoch, Graph, Position, Relation, changes};
use proptest::{prelude::*, test_runner::TestRunner};
use std::collections::BTreeSet;
use uuid::Uuid;

async fn apply(epoch: &Epoch, position: Position, event: impl Into<Event>, stream: Uuid) {
    let changes: Vec<_> = changes(&event.into(), stream).into_iter().map(|change| (position, change)).collect();
    epoch.apply_all(&changes).await.unwrap();
}

#[tokio::test]
async fn friends_and_blocks_follow_the_events_of_the_pair() {
    for (graph, epoch) in Arm::each_published().await {
        let (ana, bo, pair) = (user(1), user(2), Uuid::nil());
        apply(&epoch, 1, FriendshipEvent::Requested { by: ana, with: bo, at: None }, pair).await;
        assert!(graph.friends(ana).await.unwrap().is_empty());
        apply(&epoch, 2, FriendshipEvent::Accepted { by: bo, with: ana }, pair).await;
        assert_eq!(graph.friends(ana).await.unwrap(), BTreeSet::from([bo]));
        assert_eq!(graph.friends(bo).await.unwrap(), BTreeSet::from([ana]));
        apply(&epoch, 3, FriendshipEvent::Blocked { by: ana, with: bo }, pair).await;
        assert!(graph.friends(bo).await.unwrap().is_empty());
        assert_eq!(graph.blocked_by(ana).await.unwrap(), BTreeSet::from([bo]));
        assert!(graph.blocked_by(bo).await.unwrap().is_empty());
        apply(&epoch, 4, FriendshipEvent::Unblocked { by: ana, with: bo, at: None }, pair).await;
        assert!(graph.blocked_by(ana).await.unwrap().is_empty());
        apply(&epoch, 5, FriendshipEvent::Accepted { by: ana, with: bo }, pair).await;
        apply(&epoch, 6, FriendshipEvent::Unfriended { by: ana, with: bo }, pair).await;
        assert!(graph.friends(ana).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn members_follow_the_events_of_the_conversation() {
    for (graph, epoch) in Arm::each_published().await {
        let (ana, bo, cleo, room) = (user(1), user(2), user(3), conversation(1));
        let created = ConversationEvent::Created {
            conversation_type: ConversationType::Group,
            created_by: ana,
            members: vec![ana, bo],
            settings: Personal::new(ana, Settings::default()),
            approval: false,
            joining: None,
        };
        apply(&epoch, 1, created, room.0).await;
        apply(&epoch, 2, ConversationEvent::MemberRequested { user: cleo, invite: None, at: None }, room.0).await;
        assert_eq!(graph.members(room).await.unwrap(), BTreeSet::from([ana, bo]));
        apply(&epoch, 3, ConversationEvent::MemberApproved { user: cleo, by: ana }, room.0).await;
        apply(&epoch, 4, ConversationEvent::MemberKicked { user: bo, by: ana }, room.0).await;
        assert_eq!(graph.members(room).await.unwrap(), BTreeSet::from([ana, cleo]));
        assert_eq!(graph.conversations(cleo).await.unwrap(), BTreeSet::from([room]));
        assert!(graph.conversations(bo).await.unwrap().is_empty());
        let deleted = ConversationEvent::Deleted { by: None, members: vec![ana, cleo], pending: vec![] };
        apply(&epoch, 5, deleted, room.0).await;
        assert!(graph.members(room).await.unwrap().is_empty());
        assert!(graph.conversations(ana).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn an_ended_relation_is_not_revived_by_a_repeated_event() {
    for (graph, epoch) in Arm::each_published().await {
        let (ana, room) = (user(1), conversation(1));
        let joined = ConversationEvent::MemberJoined { user: ana, invite: None, at: None };
        apply(&epoch, 1, joined.clone(), room.0).await;
        apply(&epoch, 2, ConversationEvent::MemberLeft { user: ana }, room.0).await;
        apply(&epoch, 1, joined, room.0).await;
        assert!(graph.members(room).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_dropped_relation_is_not_revived_by_a_repeated_event() {
    for (graph, epoch) in Arm::each_published().await {
        let member = |n: u128| Relation::Member { conversation: conversation(1), user: user(n) };
        let (joined, left) = (1..=20_u128).fold((Vec::new(), Vec::new()), |(mut joined, mut left), n| {
            let at = 2 * n as Position;
            joined.push((at, Change { relation: member(n), holds: true }));
            left.push((at + 1, Change { relation: member(n), holds: n == 20 }));
            (joined, left)
        });
        epoch.apply_all(&[joined.clone(), left.clone()].concat()).await.unwrap();
        let holds = BTreeSet::from([user(20)]);
        epoch.forget_ended(21).await.unwrap();
        epoch.apply_all(&joined).await.unwrap();
        assert_eq!(graph.members(conversation(1)).await.unwrap(), holds, "repeated by a late writer");
        epoch.forget_ended(41).await.unwrap();
        epoch.forget_ended(3).await.unwrap();
        for again in [&joined, &left, &joined] {
            epoch.apply_all(again).await.unwrap();
            assert_eq!(graph.members(conversation(1)).await.unwrap(), holds);
        }
        epoch.apply_all(&[(42, Change { relation: member(1), holds: true })]).await.unwrap();
        assert_eq!(graph.members(conversation(1)).await.unwrap(), BTreeSet::from([user(1), user(20)]), "a new change");
        assert_eq!(graph.conversations(user(1)).await.unwrap(), BTreeSet::from([conversation(1)]));
        epoch.apply_all(&[(43, Change { relation: member(1), holds: false })]).await.unwrap();
        epoch.apply_all(&[(42, Change { relation: member(1), holds: true })]).await.unwrap();
        assert_eq!(graph.members(conversation(1)).await.unwrap(), holds, "above the floor, without a change");
    }
}

/// All relations of four people and three conversations.
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

pub(crate) fn change() -> impl Strategy<Value = Change> {
    let relation = (0..3_u8, 0..4_u128, 0..4_u128).prop_map(|(kind, a, b)| match kind {
        0 => Relation::friends(user(a), user(b)),
        1 => Relation::Blocks { by: user(a), with: user(b) },
        _ => Relation::Member { conversation: conversation(a), user: user(b) },
    });
    (relation, any::<bool>()).prop_map(|(relation, holds)| Change { relation, holds })
}

#[test]
fn any_doubling_and_any_disorder_give_the_same_graph() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let arms = runtime.block_on(async { Arm::each() });
    let config = ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() };
    let changes = prop::collection::vec(change(), 1..40);
    let again = prop::collection::vec(any::<prop::sample::Index>(), 0..80);
    let scenario = |(changes, again): (Vec<Change>, Vec<prop::sample::Index>)| {
        let applied: Vec<_> = (1..).zip(changes).collect();
        let mut disturbed: Vec<_> = again.iter().map(|index| *index.get(&applied)).collect();
        disturbed.extend(applied.iter().rev());
        runtime.block_on(async {
            let mut pictures = Vec::new();
            for graph in &arms {
                for (changes, at_once) in [(&applied, 1), (&disturbed, 7)] {
                    let epoch = graph.begin(at(0)).await.unwrap();
                    for some in changes.chunks(at_once) {
                        epoch.apply_all(some).await.unwrap();
                    }
                    // Applied changes may be dropped, and repeated.
                    epoch.forget_ended(applied.len() as Position).await.unwrap();
                    epoch.apply_all(&disturbed).await.unwrap();
                    assert!(epoch.publish().await.unwrap());
                    pictures.push(picture(graph).await);
                }
            }
            let [first, rest @ ..] = pictures.as_slice() else { return };
            rest.iter().for_each(|picture| assert_eq!(picture, first));
        });
        Ok(())
    };
    TestRunner::new(config).run(&(changes, again), scenario).unwrap();
}
