//! The log about a person.

use crate::support::*;
use domain::{
    AggregateType, Personal, SessionId,
    friendship::FriendshipEvent,
    id::PairId,
    session::{Device, EndReason, SessionEvent},
};
use event_store::{NewEvent, Secret, StreamId};
use std::collections::BTreeSet;
use testkit::each_engine;
use uuid::Uuid;

fn of_session(n: u128, sequence: u64, event: SessionEvent) -> NewEvent {
    new(StreamId::new(AggregateType::Session, SessionId(Uuid::from_u128(n))), sequence, event)
}

fn started(n: u128, who: u128) -> NewEvent {
    let device = Personal::new(user(who), Device::default());
    of_session(n, 1, SessionEvent::Started { user: user(who), device, sign_outs: None })
}

fn token(n: u128, who: u128) -> Secret {
    let (session, user, hash) = (Uuid::from_u128(n), user(who).0, [n as u8; 32]);
    Secret::RefreshToken { session, user, hash, replaces: None, expires_at: NOW + 1_000 + n as i64 }
}

fn ended(n: u128, who: u128) -> NewEvent {
    of_session(n, 2, SessionEvent::Ended { user: user(who), reason: EndReason::Logout })
}

each_engine!(sessions_that_have_not_ended_are_found, |home| async move {
    let (store, _batches) = open(&home).await;
    people(&store, 2).await;
    let events = vec![started(1, 1), started(2, 1), started(3, 2), ended(1, 1), started(4, 1)];
    let mut sessions = append("sessions", events);
    sessions.secrets = [(1, 1), (2, 1), (3, 2), (4, 1)].map(|(n, who)| token(n, who)).into();
    store.append(sessions).await.unwrap();
    let live = async |who, until, skip, limit| store.live_sessions(user(who).0, until, skip, limit).await.unwrap();
    assert_eq!(live(1, u64::MAX, 0, 9).await, [4, 2].map(Uuid::from_u128), "the one renewed last comes first");
    assert_eq!(live(1, u64::MAX, 0, 1).await, [Uuid::from_u128(4)]);
    assert_eq!(live(1, u64::MAX, 1, 9).await, [Uuid::from_u128(2)]);
    assert_eq!(live(1, 5, 0, 9).await, [Uuid::from_u128(2)]);
    assert_eq!(live(2, u64::MAX, 0, 9).await, [Uuid::from_u128(3)]);
    assert!(live(3, u64::MAX, 0, 9).await.is_empty());
    assert_eq!(
        store.current_refresh_token(Uuid::from_u128(1)).await.unwrap(),
        None,
        "it ended, and its token was removed"
    );
    let own = store.events_of_scope(user(1).0, 1, 2).await.unwrap();
    assert_eq!(own.iter().map(|event| event.record.position).collect::<Vec<_>>(), [2, 4]);
});

each_engine!(streams_about_a_person_are_conversations_and_pairs, |home| async move {
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
    let streams_involving: BTreeSet<_> = store.streams_involving(a.0).await.unwrap().into_iter().collect();
    let want = [
        StreamId::new(AggregateType::Conversation, conversation(1)),
        StreamId::new(AggregateType::Friendship, PairId::of(a, b)),
    ];
    assert_eq!(streams_involving, BTreeSet::from(want));
});
