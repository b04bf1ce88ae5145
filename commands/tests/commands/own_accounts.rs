//! A person's own account: password, deactivation, erasure.

use commands::{CommandError, Commands, Password};
use commands_testkit::*;
use domain::friendship::FriendshipAct;
use event_store::{EventStore, Position, Selection};
use testkit::each_engine;

const OLD: &str = "correct horse";
const NEW: &str = "battery staple";

async fn change(commands: &Commands, ctx: &commands::Context, current: &str, new: &str) -> Result<(), CommandError> {
    commands.change_password(ctx, Password::claimed(current), password(new)).await.map(|_| ())
}

async fn types(store: &EventStore, after: Position) -> Vec<String> {
    let events = store.read_after(after, &Selection::All, 10_000).await.unwrap();
    events.iter().map(|event| event.record.event_type.clone()).collect()
}

each_engine!(a_new_password_ends_all_other_sessions_in_one_append, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let ana = person(&commands, "ana").await;
    let (other, refresh) = signed_in(&commands, "ana", OLD).await;
    let before = store.head().await.unwrap().position;
    assert_eq!(refusal(change(&commands, &ana.ctx, "a wrong one", NEW).await), "current:wrong_password");
    assert_eq!(store.head().await.unwrap().position, before);

    let keyed = ana.with_key("k1");
    change(&commands, &keyed, OLD, NEW).await.unwrap();
    assert_eq!(types(&store, before).await, ["session.ended", "account.password_changed"]);
    // The answer was lost, and the client asks again; though the current one is another by now.
    change(&commands, &keyed, OLD, NEW).await.unwrap();
    assert_eq!(types(&store, before).await.len(), 2);
    assert!(lives(&commands, &ana).await && !lives(&commands, &other).await);
    assert_eq!(refusal(commands.refresh(&anonymous(), &refresh).await), "InvalidToken");
    assert_eq!(refusal(commands.sign_in(&anonymous(), sign_in("ana", OLD)).await), "WrongCredentials");
    signed_in(&commands, "ana", NEW).await;
    let events = store.read_after(0, &Selection::All, 100).await.unwrap();
    for word in [OLD, NEW, "argon2"] {
        assert!(!events.iter().any(|event| event.record.payload.contains(word)), "{word}");
    }
});

each_engine!(of_two_new_passwords_at_once_one_holds, |home| async move {
    let commands = server(&home).await;
    let ana = person(&commands, "ana").await;
    let (one, two) = tokio::join!(
        change(&commands, &ana.ctx, OLD, "the first of two"),
        change(&commands, &ana.ctx, OLD, "the second of two")
    );
    let (holds, lost) = if one.is_ok() { ("the first of two", two) } else { ("the second of two", one) };
    assert_eq!(refusal(lost), "current:wrong_password");
    signed_in(&commands, "ana", holds).await;
});

each_engine!(a_blocked_account_is_not_reactivated_by_signing_in, |home| async move {
    let commands = server(&home).await;
    let (root, ana) = (admin(&commands).await, person(&commands, "ana").await);
    commands.deactivate(&ana.ctx, None).await.unwrap();
    commands.block_account(&root.ctx, ana.id, true).await.unwrap();
    assert_eq!(refusal(commands.sign_in(&anonymous(), sign_in("ana", OLD)).await), "account_blocked");
});

each_engine!(an_erased_account_is_no_more_and_its_address_free, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let other_node = Commands::new(open(&home).await, settings());
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let (_, refresh) = signed_in(&commands, "ana", OLD).await;
    let us = direct(&commands, &ana, &bob).await;
    let message = say(&commands, &ana, us, "what only we know").await;
    assert!(other_node.message(message).await.unwrap().state.posted().unwrap().content.is_some());
    let wrong = commands.erase(&ana.ctx, Some(Password::claimed("a wrong one"))).await;
    assert_eq!(refusal(wrong), "password:wrong_password");
    let before = store.head().await.unwrap().position;
    commands.erase(&ana.ctx, Some(Password::claimed(OLD))).await.unwrap();
    assert_eq!(types(&store, before).await, ["session.ended", "session.ended", "account.erased"]);

    assert!(!lives(&commands, &ana).await);
    assert_eq!(refusal(commands.refresh(&anonymous(), &refresh).await), "InvalidToken");
    assert_eq!(refusal(commands.sign_in(&anonymous(), sign_in("ana", OLD)).await), "WrongCredentials");
    assert!(store.password(ana.id.0).await.unwrap().is_none());
    let gone = commands.user(ana.id).await.unwrap().state;
    assert!(gone.is_erased() && gone.profile().is_none());
    assert!(commands.message(message).await.unwrap().state.posted().unwrap().content.is_none(), "forgotten here");
    let erased = store.read_after(before, &Selection::All, 10).await.unwrap().pop().unwrap();
    other_node.observe(&erased);
    assert!(other_node.message(message).await.unwrap().state.posted().unwrap().content.is_none(), "and there");

    assert_eq!(refusal(commands.send_message(&bob.ctx, draft(us, "are you there?")).await), "cannot_message");
    assert_eq!(refusal(commands.create_conversation(&bob.ctx, group_of(&[&ana])).await), "not_found");
    assert_eq!(refusal(commands.friendship(&bob.ctx, ana.id, FriendshipAct::Request).await), "not_found");
    let again = person(&commands, "ana").await;
    assert_ne!(again.id, ana.id);
});
