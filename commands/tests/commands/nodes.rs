//! Two nodes over one log: what one decided holds for the next command on the other, whatever that remembers.

use crate::support::*;
use commands::{Commands, CreateConversation};
use domain::{ConversationId, conversation::Joining, text::Emoji, user::ProfileChange};
use event_store::{EventStore, Selection};
use futures_util::future::join_all;
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
    assert!(there.conversation(us).await.unwrap().state.member(bob.id).is_some(), "the other node has not heard");
    assert_eq!(refusal(there.send_message(&bob.ctx, draft(us, "still?")).await), "not_found");
    assert_eq!(refusal(there.react(&bob.ctx, message, Emoji::parse("👍").unwrap()).await), "not_found");
});

each_engine!(nobody_is_refused_on_hearsay, |home| async move {
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

each_engine!(a_heard_event_makes_a_state_forgotten, |home| async move {
    let (store, here, there) = two_nodes(&home).await;
    let (ana, bob) = (person(&here, "ana").await, person(&here, "bob").await);
    let us = group(&here, &ana, &[&bob]).await;
    assert_eq!(there.conversation(us).await.unwrap().version, 1);
    here.kick(&ana.ctx, us, bob.id).await.unwrap();
    assert_eq!(there.conversation(us).await.unwrap().version, 1, "not heard yet");
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

each_engine!(of_many_who_join_at_once_all_come_in, |home| async move {
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
            // On two nodes an unlucky one may be told to try again.
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
