//! What the log says of a person.

use crate::support::*;
use domain::{
    AggregateType, Personal, SessionId,
    friendship::FriendshipEvent,
    id::PairId,
    session::{Device, EndReason, SessionEvent},
};
use event_store::{NewEvent, StreamId};
use std::collections::BTreeSet;
use testkit::each_engine;
use uuid::Uuid;

fn of_session(n: u128, sequence: u64, event: SessionEvent) -> NewEvent {
    new(StreamId::new(AggregateType::Session, SessionId(Uuid::from_u128(n))), sequence, event)
}

fn started(n: u128, who: u128) -> NewEvent {
    of_session(n, 1, SessionEvent::Started { user: user(who), device: Personal::new(user(who), Device::default()) })
}

fn ended(n: u128, who: u128) -> NewEvent {
    of_session(n, 2, SessionEvent::Ended { user: user(who), reason: EndReason::Logout })
}

each_engine!(sessions_that_have_not_ended_are_found, |home| async move {
    let (store, _batches) = open(&home).await;
    people(&store, 2).await;
    let events = vec![started(1, 1), started(2, 1), started(3, 2), ended(1, 1), started(4, 1)];
    store.append(append("sessions", events)).await.unwrap();
    let live = async |who, until| store.live_sessions(user(who).0, until).await.unwrap();
    assert_eq!(live(1, u64::MAX).await, [2, 4].map(Uuid::from_u128));
    assert_eq!(live(1, 5).await, [Uuid::from_u128(2)]);
    assert_eq!(live(2, u64::MAX).await, [Uuid::from_u128(3)]);
    assert!(live(3, u64::MAX).await.is_empty());
    let own = store.events_of_scope(user(1).0, 1, 2).await.unwrap();
    assert_eq!(own.iter().map(|event| event.record.position).collect::<Vec<_>>(), [2, 4]);
});

each_engine!(dealings_are_conversations_and_pairs_that_one_knows_of, |home| async move {
    let (store, _batches) = open(&home).await;
    people(&store, 3).await;
    let (a, b, c) = (user(1), user(2), user(3));
    let pair = |by, with, event| new(StreamId::new(AggregateType::Friendship, PairId::of(by, with)), 1, event);
    let events = vec![
        created(conversation(1), &[a, b]),
        created(conversation(2), &[b, c]),
        sent(message(1), conversation(1), a, "hi"),
        pair(a, b, FriendshipEvent::Requested { by: a, with: b, at: None }),
        pair(c, a, FriendshipEvent::Blocked { by: c, with: a }),
    ];
    store.append(append("events", events)).await.unwrap();
    let dealings: BTreeSet<_> = store.dealings(a.0).await.unwrap().into_iter().collect();
    let want = [
        StreamId::new(AggregateType::Conversation, conversation(1)),
        StreamId::new(AggregateType::Friendship, PairId::of(a, b)),
    ];
    assert_eq!(dealings, BTreeSet::from(want));
});
