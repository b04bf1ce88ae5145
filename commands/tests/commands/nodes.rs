//! Two nodes over one log: a decision of one holds for the next command on the other, whatever its cache.

use commands::{Commands, CreateConversation};
use commands_testkit::*;
use domain::{
    AggregateType, ConversationId,
    conversation::Joining,
    fold,
    text::{Emoji, MessageBody},
    user::ProfileChange,
};
use event_store::{EventStore, Selection, StreamId};
use futures_util::future::join_all;
use sql::{Database, query};
use testkit::{Home, each_engine};

async fn two_nodes(home: &Home) -> (EventStore, Commands, Commands) {
    let store = open(home).await;
    let node = || Commands::new(store.clone(), settings());
    let (here, there) = (node(), node());
    (store, here, there)
}

each_engine!(a_kick_holds_on_the_other_node, |home| async move {
    let (_, here, there) = two_nodes(&home).await;
    let (ana, bob) = (person(&here, "ana").await, person(&here, "bob").await);
    let us = group(&here, &ana, &[&bob]).await;
    let message = say(&there, &bob, us, "I am remembered here").await;
    here.kick(&ana.ctx, us, bob.id).await.unwrap();
    assert!(
        there.conversation(us).await.unwrap().state.member(bob.id).is_some(),
        "the other node has not observed the event"
    );
    assert_eq!(refusal(there.send_message(&bob.ctx, draft(us, "still?")).await), "not_found");
    assert_eq!(refusal(there.react(&bob.ctx, message, Emoji::parse("👍").unwrap()).await), "not_found");
});

each_engine!(a_refusal_decided_on_cached_state_is_retried_on_fresh_state, |home| async move {
    let (_, here, there) = two_nodes(&home).await;
    let (ana, bob) = (person(&here, "ana").await, person(&here, "bob").await);
    let us = group(&here, &ana, &[]).await;
    assert_eq!(refusal(there.send_message(&bob.ctx, draft(us, "let me in")).await), "not_found");
    here.add(&ana.ctx, us, bob.id).await.unwrap();
    say(&there, &bob, us, "thank you").await;
});

each_engine!(a_block_and_a_ban_hold_on_the_other_node, |home| async move {
    let (_, here, there) = two_nodes(&home).await;
    let root = admin(&here).await;
    let (ana, bob) = (person(&here, "ana").await, person(&here, "bob").await);
    let pair = direct(&here, &ana, &bob).await;
    say(&there, &bob, pair, "hi").await;
    block(&here, &ana, &bob).await;
    assert_eq!(refusal(there.send_message(&bob.ctx, draft(pair, "hi?")).await), "cannot_message");
    let alone = group(&there, &bob, &[]).await;
    here.block_account(&root.ctx, bob.id, true).await.unwrap();
    assert_eq!(refusal(there.send_message(&bob.ctx, draft(alone, "hm")).await), "account_blocked");
});

each_engine!(an_ended_session_is_refused_on_the_other_node, |home| async move {
    let (_, here, there) = two_nodes(&home).await;
    let ana = person(&here, "ana").await;
    there.update_profile(&ana.ctx, ProfileChange::default()).await.unwrap();
    here.sign_out(&ana.ctx).await.unwrap();
    assert_eq!(refusal(there.update_profile(&ana.ctx, ProfileChange::default()).await), "InvalidToken");
});

each_engine!(an_observed_event_makes_a_cached_state_stale, |home| async move {
    let (store, here, there) = two_nodes(&home).await;
    let (ana, bob) = (person(&here, "ana").await, person(&here, "bob").await);
    let us = group(&here, &ana, &[&bob]).await;
    assert_eq!(there.conversation(us).await.unwrap().version, 1);
    here.kick(&ana.ctx, us, bob.id).await.unwrap();
    assert_eq!(there.conversation(us).await.unwrap().version, 1, "not observed yet");
    for event in store.read_after(0, &Selection::All, 100).await.unwrap() {
        here.observe(&event);
        there.observe(&event);
    }
    for node in [&here, &there] {
        let known = node.conversation(us).await.unwrap();
        assert_eq!(known.version, 2);
        assert!(known.state.member(bob.id).is_none());
    }
});

each_engine!(many_people_can_join_at_once, |home| async move {
    let (_, here, there) = two_nodes(&home).await;
    let ana = person(&here, "ana").await;
    let open = CreateConversation { joining: Joining::Open, ..group_of(&[]) };
    let us = ConversationId(here.create_conversation(&ana.ctx, open).await.unwrap().done.id);
    let people = join_all((0..24).map(|n| {
        let here = here.clone();
        async move { person(&here, &format!("guest-{n}")).await }
    }))
    .await;
    let joins = people.iter().enumerate().map(|(n, guest)| {
        let node = if n % 2 == 0 { &here } else { &there };
        async move {
            // On two nodes an unlucky command may have to be retried.
            let mut joined = node.join(&guest.ctx, us).await;
            while matches!(joined, Err(commands::CommandError::Contended)) {
                joined = node.join(&guest.ctx, us).await;
            }
            joined.unwrap();
        }
    });
    join_all(joins).await;
    assert_eq!(here.join(&ana.ctx, us).await.unwrap().state.active().count(), 25);
});

/// How many rows of `events` Postgres has read, for whomever; its counts come when a connection has ended.
async fn events_read(home: &Home) -> i64 {
    let database = Database::connect(&home.log(), 1).await.unwrap();
    let number = async |sql: &'static str| {
        let row = database.fetch_optional(query(sql)).await.unwrap().unwrap();
        row.get::<i64>("number").unwrap()
    };
    let others = "SELECT count(*) AS number FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    testkit::until("the other connections to end", async || number(others).await == 0).await;
    let read = "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) AS number FROM pg_stat_user_tables
        WHERE schemaname = 'chatchit_log' AND relname = 'events'";
    let read = number(read).await;
    database.close().await;
    read
}

each_engine!(two_nodes_that_write_one_stream_in_turn_read_only_new_events, |home| async move {
    const EDITS: u64 = 3_000;
    /// Events read for each edit, however long the stream: the other node's events, versions, the guards.
    const EACH: i64 = 24;
    let message = {
        let (here, there) = (server(&home).await, server(&home).await);
        let ana = person(&here, "ana").await;
        let us = group(&here, &ana, &[]).await;
        let message = say(&here, &ana, us, "0").await;
        for n in 1..=EDITS {
            // Neither has observed the other's events, which is the worst case.
            let node = if n % 2 == 0 { &here } else { &there };
            let body = MessageBody::parse(&n.to_string()).unwrap();
            assert_eq!(node.edit_message(&ana.ctx, message, body).await.unwrap().receipt.version, n + 1);
        }
        message
    };
    if home.database_url().is_some() {
        let read = events_read(&home).await;
        assert!((EDITS as i64..EACH * EDITS as i64).contains(&read), "{read} events were read for {EDITS} edits");
    }
    // A later node begins with a snapshot.
    let store = open(&home).await;
    let stream = StreamId::new(AggregateType::Message, message);
    let left = store.load_some(stream, 0, Some(fold::MESSAGE), 1_000).await.unwrap();
    assert!(left.len() < 600, "{} events after the snapshot", left.len());
    let third = Commands::new(store, settings());
    assert_eq!(third.message(message).await.unwrap().version, EDITS + 1);
});
