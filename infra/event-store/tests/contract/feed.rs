//! The events a person receives, compared with the audience rule.

use crate::{audit::audit, support::*};
use domain::{Event, Tier, UserId, conversation::ConversationEvent, message::MessageEvent};
use event_store::{EventStore, Feed, Interval, Linked, NewEvent};
use proptest::{collection::vec, prelude::*, strategy::ValueTree, test_runner::TestRunner};
use testkit::each_engine;

const PEOPLE: u128 = 4;
const ROOMS: u128 = 3;

fn steps() -> impl Strategy<Value = Vec<(u8, u128, u128)>> {
    vec((0..7_u8, 0..ROOMS, 1..=PEOPLE), 40..120)
}

/// Any events in rooms, whether the domain would allow them or not.
fn event(n: u128, sequences: &mut [u64], (what, room, person): (u8, u128, u128)) -> NewEvent {
    let (conversation, user) = (conversation(room), user(person));
    let id = message(n);
    let by = crate::support::user(1);
    let member = match what {
        0 => return sent(id, conversation, user, "hello"),
        1 => return of_message(id, 1, MessageEvent::Hidden { conversation, user }),
        2 => return of_message(id, 1, MessageEvent::Deleted { conversation, by: user }),
        3 => ConversationEvent::MemberAdded { user, by, at: None },
        4 => ConversationEvent::MemberLeft { user },
        5 => ConversationEvent::MemberRequested { user, invite: None, at: None },
        _ => ConversationEvent::MemberKicked { user, by },
    };
    sequences[room as usize] += 1;
    in_conversation(conversation, sequences[room as usize], member)
}

async fn live(store: &EventStore) {
    people(store, PEOPLE).await;
    let rooms = (0..ROOMS).map(|room| created(conversation(room), &[user(1), user(2)]));
    store.append(append("rooms", rooms.collect())).await.unwrap();
    let steps = steps().new_tree(&mut TestRunner::deterministic()).unwrap().current();
    let mut sequences = [1; ROOMS as usize];
    for (n, step) in (0..).zip(steps) {
        store.append(append(&format!("{n}"), vec![event(n, &mut sequences, step)])).await.unwrap();
    }
}

/// The intervals of a user, from the events themselves.
fn intervals(log: &[Linked], opened: &[Event], user: UserId) -> Vec<Interval> {
    let mut intervals: Vec<Interval> = Vec::new();
    for (linked, event) in log.iter().zip(opened) {
        let record = &linked.event.record;
        for about in event.recipients(record.aggregate_id).into_iter().filter(|about| about.user == user) {
            let open = intervals.iter_mut().find(|open| open.scope == record.scope && open.until.is_none());
            match (about.change, open) {
                (domain::AudienceChange::Join, None) => {
                    intervals.push(Interval { scope: record.scope, from: record.position, until: None });
                }
                (domain::AudienceChange::Leave, Some(open)) => open.until = Some(record.position),
                _ => {}
            }
        }
    }
    intervals.sort_by_key(|interval| (interval.scope, interval.from));
    intervals
}

each_engine!(a_feed_follows_the_audience_rule, |home| async move {
    let (store, _batches) = open(&home).await;
    live(&store).await;
    let log = audit(&store).await;
    let mut opened = Vec::new();
    for linked in &log {
        opened.push(store.open_event(&linked.event).await.unwrap().clone());
    }
    let last = log.len() as u64;
    for user in (1..=PEOPLE + 1).map(user) {
        let intervals = intervals(&log, &opened, user);
        assert_eq!(store.intervals(user.0).await.unwrap(), intervals);
        for (high, medium, until, limit) in
            [(0, 0, last, 500), (0, 0, last, 7), (20, 10, last, 500), (10, 30, 40, 500), (last, last, last, 5)]
        {
            let feed = Feed { user: user.0, intervals: intervals.clone(), high, medium, until, limit, bytes: u32::MAX };
            let read = store.feed(&feed).await.unwrap();
            let received = log.iter().zip(&opened).filter(|(linked, event)| {
                let record = &linked.event.record;
                let within = intervals.iter().any(|interval| {
                    interval.scope == record.scope
                        && interval.from <= record.position
                        && interval.until.is_none_or(|until| record.position <= until)
                });
                let about = event.recipients(record.aggregate_id).iter().any(|about| about.user == user);
                let known = if record.lane.tier == Tier::High { high } else { medium };
                (about || within && event.is_scope_wide()) && record.position > known && record.position <= until
            });
            let expected: Vec<_> =
                received.map(|(linked, _)| linked.event.record.position).take(limit as usize).collect();
            let read: Vec<_> = read.iter().map(|event| event.record.position).collect();
            assert_eq!(read, expected, "{user} {high} {medium} {until} {limit}");
        }
    }
});

each_engine!(a_page_is_bounded_by_bytes_but_has_an_event, |home| async move {
    let (store, _batches) = open(&home).await;
    people(&store, 1).await;
    store.append(append("room", vec![created(conversation(0), &[user(1)])])).await.unwrap();
    for n in 1..=4_u128 {
        let text = "x".repeat(6_000);
        store.append(append(&n.to_string(), vec![sent(message(n), conversation(0), user(1), &text)])).await.unwrap();
    }
    let intervals = store.intervals(user(1).0).await.unwrap();
    let until = store.head().await.unwrap().position;
    let page = async |bytes: u32| {
        let feed = Feed { user: user(1).0, intervals: intervals.clone(), high: 0, medium: 0, until, limit: 100, bytes };
        store.feed(&feed).await.unwrap().iter().map(|event| event.record.position).collect::<Vec<_>>()
    };
    let all = page(u32::MAX).await;
    assert_eq!(page(1).await, all[..1]);
    let some = page(15_000).await;
    assert!(some.len() < all.len() && all.starts_with(&some), "{some:?} of {all:?}");
    // Each sealed text takes up 8,000 bytes: the page ends with the one that fills it.
    assert!(some.len() >= all.len() - 3, "{some:?} of {all:?}");
});

each_engine!(a_digest_distinguishes_events_at_one_position, |home| async move {
    let (store, _batches) = open(&home).await;
    assert_eq!(store.digests(7).await.unwrap(), ((0, [0; 32]), None), "an empty log");
    people(&store, 2).await;
    for room in 0..2 {
        store.append(append(&room.to_string(), vec![created(conversation(room), &[user(1)])])).await.unwrap();
    }
    let head = store.head().await.unwrap().position;
    let (first, last) = (store.read_at(1).await.unwrap().unwrap(), store.read_at(head).await.unwrap().unwrap());
    assert_eq!(store.digests(1).await.unwrap(), ((head, last.record.digest), Some(first.record.digest)));
    assert_eq!(store.digests(head).await.unwrap(), ((head, last.record.digest), Some(last.record.digest)));
    for beyond in [0, head + 1, u64::MAX] {
        assert_eq!(store.digests(beyond).await.unwrap(), ((head, last.record.digest), None));
    }
});
