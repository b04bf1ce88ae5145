//! Many callers, several writers on one log, cancelled callers: the log stays valid.

use crate::{
    audit::{all, audit, audit_published},
    support::*,
};
use domain::{AggregateType, conversation::ConversationEvent};
use event_store::{Append, AppendError, EventStore, Guard, Receipt, StreamId};
use proptest::{collection::vec, prelude::*, strategy::ValueTree, test_runner::TestRunner};
use std::collections::HashSet;
use testkit::each_engine;
use tokio::task::JoinSet;

const ROOMS: u128 = 3;

/// One message and one contended change of the room, tried until they are appended. Returns the position of each.
async fn converse(store: EventStore, caller: u128, rounds: u128) -> Vec<Receipt> {
    let mut receipts = Vec::new();
    for round in 0..rounds {
        let room = conversation((caller + round) % ROOMS);
        let stream = StreamId::new(AggregateType::Conversation, room);
        let n = caller * 1_000 + round;
        receipts.push(
            insist(
                &store,
                |version| {
                    let mut post = append(&format!("post {n}"), vec![sent(message(n), room, user(1), "hello")]);
                    post.guards = vec![Guard { stream, version }];
                    post
                },
                stream,
            )
            .await,
        );
        receipts.push(
            insist(
                &store,
                |version| {
                    let event = ConversationEvent::MemberPromoted { user: user(caller), by: user(1), at: None };
                    append(&format!("promote {n}"), vec![in_conversation(room, version + 1, event)])
                },
                stream,
            )
            .await,
        );
    }
    receipts
}

/// Decides again as long as others are faster.
async fn insist(store: &EventStore, decide: impl Fn(u64) -> Append, stream: StreamId) -> Receipt {
    loop {
        let version = store.load(stream, 0).await.unwrap().len() as u64;
        match store.append(decide(version)).await {
            Ok(receipt) => return receipt,
            Err(AppendError::Stale(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

async fn rooms(store: &EventStore) {
    people(store, 1).await;
    let events = (0..ROOMS).map(|n| created(conversation(n), &[user(1)])).collect();
    store.append(append("rooms", events)).await.unwrap();
}

each_engine!(several_writers_share_one_log, |home| async move {
    let mut stores = Vec::new();
    for _ in 0..3 {
        stores.push(open(&home).await);
    }
    rooms(&stores[0].0).await;
    let mut callers = JoinSet::new();
    for (n, (store, _)) in (0..).zip(&stores) {
        for caller in 0..4 {
            callers.spawn(converse(store.clone(), n * 4 + caller, 6));
        }
    }
    let receipts: Vec<Receipt> = callers.join_all().await.concat();
    let positions: HashSet<_> = receipts.iter().filter_map(|receipt| receipt.position).collect();
    assert_eq!(positions.len(), 12 * 6 * 2, "each has a position of its own");
    let log = audit(&stores[0].0).await;
    assert_eq!(log.len(), ROOMS as usize + positions.len());
    let mut published = 0;
    for (_, batches) in &mut stores {
        let batches = drain(batches);
        published += batches.iter().map(|batch| batch.events.len()).sum::<usize>();
        audit_published(&batches, &log);
    }
    assert_eq!(published, log.len(), "each event is published by the process that wrote it");
});

each_engine!(a_cancelled_caller_cancels_no_append, |home| async move {
    let (store, _batches) = open(&home).await;
    rooms(&store).await;
    let mut callers = Vec::new();
    for n in 0..200_u128 {
        let store = store.clone();
        let post = append(&format!("{n}"), vec![sent(message(n), conversation(0), user(1), "hello")]);
        callers.push(tokio::spawn(async move { store.append(post).await }));
        if n % 3 == 0 {
            tokio::task::yield_now().await;
        }
        // Cancelled after none, one or a few of its awaits.
        if n % 2 == 0 {
            callers[(n as usize * 7) / 10].abort();
        }
    }
    let mut acknowledged = 0;
    for caller in callers {
        acknowledged += usize::from(caller.await.is_ok_and(|answer| answer.is_ok()));
    }
    // A repeated command finds its first result, or is appended now: once in all.
    for n in 0..200_u128 {
        store.append(append(&format!("{n}"), vec![sent(message(n), conversation(0), user(1), "hello")])).await.unwrap();
    }
    assert!(acknowledged > 0);
    assert_eq!(audit(&store).await.len(), ROOMS as usize + 200);
});

/// The steps of a generated caller: messages; or changes, by room and expected version.
#[derive(Clone, Debug)]
enum Step {
    Post { message: u128, room: u128 },
    Change { room: u128, version: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let post = (0..12_u128, 0..ROOMS).prop_map(|(message, room)| Step::Post { message, room });
    let change = (0..ROOMS, 0..4_u64).prop_map(|(room, version)| Step::Change { room, version });
    vec(prop_oneof![post, change], 1..60)
}

each_engine!(any_mix_of_commands_leaves_a_valid_log, |home| async move {
    let (store, mut batches) = open(&home).await;
    rooms(&store).await;
    let mut runner = TestRunner::deterministic();
    for case in 0..12 {
        let steps = steps().new_tree(&mut runner).unwrap().current();
        let before = all(&store).await.len();
        let commands = steps.iter().enumerate().map(|(n, step)| match step {
            // The same message in the same case is the same command.
            Step::Post { message: id, room } => {
                let id = message(case * 100 + id);
                append(&format!("{id} {room}"), vec![sent(id, conversation(*room), user(1), "x")])
            }
            Step::Change { room, version } => {
                let event = ConversationEvent::MemberPromoted { user: user(2), by: user(1), at: None };
                append(&format!("{case} {n}"), vec![in_conversation(conversation(*room), version + 1, event)])
            }
        });
        let answers = all_at_once(&store, commands.collect()).await;
        let log = audit(&store).await;
        let appended = answers.iter().flatten().filter(|receipt| !receipt.repeated).count();
        assert_eq!(log.len() - before, appended, "{steps:?}");
        for receipt in answers.iter().flatten() {
            let stored = &log[receipt.position.unwrap() as usize - 1].event;
            assert_eq!((stored.stream(), stored.record.sequence), (receipt.stream, receipt.version));
            assert_eq!(stored.record.scope_seq, receipt.seq);
        }
        assert!(answers.iter().all(|answer| matches!(answer, Ok(_) | Err(AppendError::Stale(_)))));
    }
    let log = audit(&store).await;
    audit_published(&drain(&mut batches), &log);
});

each_engine!(expensive_commands_do_not_delay_others, |home| async move {
    const GROUPS: u128 = 40;
    let (store, mut batches) = open(&home).await;
    people(&store, 1).await;
    let members: Vec<_> = (1..=999).map(user).collect();
    let group = |n: u128| append(&format!("group {n}"), vec![created(conversation(n), &members)]);
    let mut commands: Vec<_> = (0..GROUPS).map(group).collect();
    commands.push(append("message", vec![sent(message(1), conversation(GROUPS), user(1), "hello")]));
    for answer in all_at_once(&store, commands).await {
        answer.unwrap();
    }
    let published: Vec<Vec<String>> = drain(&mut batches)
        .iter()
        .map(|batch| batch.events.iter().map(|linked| linked.event.record.event_type.clone()).collect())
        .collect();
    let groups = |batch: &Vec<String>| batch.iter().filter(|name| *name == "conversation.created").count();
    assert!(published.iter().all(|batch| groups(batch) <= 2), "a commit is bounded by the rows it writes");
    let before =
        published.iter().take_while(|batch| !batch.contains(&"message.sent".to_owned())).map(groups).sum::<usize>();
    assert!(before < GROUPS as usize / 2, "the message waited for {before} groups");
});
