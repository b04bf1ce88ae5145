//! Reachability by friends only, and the confirmation of commands that cannot be undone.

use commands::{CommandSettings, Commands, InitiateCall, Initiated, Password};
use commands_testkit::*;
use domain::{
    CallId, ConversationId, Event, MessageId, Timestamp,
    call::CallType,
    conversation::{ConversationEvent, MemberStatus},
    friendship::FriendshipAct as Act,
    text::Emoji,
    user::{Preferences, ProfileChange, Reach},
};
use event_store::Selection;
use testkit::each_engine;

/// A person who lets only friends reach them these ways.
async fn shy(commands: &Commands, name: &str, ways: &[&str]) -> Person {
    let person = person(commands, name).await;
    prefer(commands, &person, ways, "friends").await;
    person
}

async fn prefer(commands: &Commands, person: &Person, ways: &[&str], reach: &str) {
    let ways: serde_json::Map<_, _> = ways.iter().map(|way| ((*way).to_owned(), reach.into())).collect();
    let preferences = [(Preferences::REACHABLE_BY.to_owned(), ways.into())].into_iter().collect();
    let change = ProfileChange { preferences: Some(Preferences(preferences)), ..ProfileChange::default() };
    commands.update_profile(&person.ctx, change).await.unwrap();
}

async fn call(
    commands: &Commands,
    by: &Person,
    conversation: ConversationId,
) -> Result<Initiated, commands::CommandError> {
    let request = InitiateCall { id: CallId(ids()), conversation, call_type: CallType::Voice, somebody_is_there: true };
    commands.initiate_call(&by.ctx, request).await
}

async fn status(commands: &Commands, group: ConversationId, person: &Person) -> Option<MemberStatus> {
    commands.conversation(group).await.unwrap().state.member(person.id).map(|member| member.status)
}

each_engine!(friends_alone_write_to_whom_they_alone_reach, |home| async move {
    let commands = server(&home).await;
    let (ana, bob) = (person(&commands, "ana").await, shy(&commands, "bob", &["messages"]).await);
    assert_eq!(refusal(commands.create_conversation(&ana.ctx, direct_with(&bob)).await), "not_reachable");
    // Bob reaches Ana, who allows everybody; that makes them no friends.
    let us = direct(&commands, &bob, &ana).await;
    let hello = say(&commands, &bob, us, "hello").await;
    assert!(commands.create_conversation(&ana.ctx, direct_with(&bob)).await.unwrap().existed);
    assert_eq!(refusal(commands.send_message(&ana.ctx, draft(us, "hi")).await), "not_reachable");
    let like = || Emoji::parse("👍").unwrap();
    assert_eq!(refusal(commands.react(&ana.ctx, hello, like()).await), "not_reachable");
    assert_eq!(refusal(commands.may_signal(&ana.ctx, us).await), "not_reachable");
    call(&commands, &ana, us).await.unwrap();

    befriend(&commands, &ana, &bob).await;
    let hi = say(&commands, &ana, us, "hi").await;
    commands.react(&ana.ctx, hello, like()).await.unwrap();
    commands.may_signal(&ana.ctx, us).await.unwrap();
    commands.friendship(&bob.ctx, ana.id, Act::Unfriend).await.unwrap();
    let edit = commands.edit_message(&ana.ctx, hi, text("buy now").body).await;
    assert_eq!(refusal(edit), "not_reachable", "no more than a new message");
    commands.delete_message(&ana.ctx, hi).await.unwrap();
    prefer(&commands, &bob, &["messages"], "everyone").await;
    say(&commands, &ana, us, "again").await;
    // A group has no such rule.
    let group = group(&commands, &ana, &[&shy(&commands, "cleo", &["messages", "calls"]).await]).await;
    say(&commands, &ana, group, "all of you").await;
    call(&commands, &ana, group).await.unwrap();
});

each_engine!(friends_alone_call_whom_they_alone_reach, |home| async move {
    let commands = server(&home).await;
    let (ana, bob) = (person(&commands, "ana").await, shy(&commands, "bob", &["calls"]).await);
    let us = direct(&commands, &ana, &bob).await;
    say(&commands, &ana, us, "may I call?").await;
    assert_eq!(refusal(call(&commands, &ana, us).await), "not_reachable");
    // The callee answers, and two simultaneous callers meet.
    let rings = call(&commands, &bob, us).await.unwrap();
    assert!(call(&commands, &ana, us).await.unwrap().existed);
    commands.close_call(&ana.ctx, commands::CallRef::Call(CallId(rings.done.id))).await.unwrap();
    assert_eq!(refusal(call(&commands, &ana, us).await), "not_reachable");
    befriend(&commands, &ana, &bob).await;
    call(&commands, &ana, us).await.unwrap();
});

each_engine!(whom_friends_alone_add_others_invite, |home| async move {
    let commands = server(&home).await;
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let cleo = shy(&commands, "cleo", &["groups"]).await;
    let dan = shy(&commands, "dan", &["groups"]).await;
    befriend(&commands, &ana, &dan).await;
    let us = group(&commands, &ana, &[&bob, &cleo, &dan]).await;
    let (active, invited) = (Some(MemberStatus::Active), Some(MemberStatus::Invited));
    assert_eq!((status(&commands, us, &cleo).await, status(&commands, us, &dan).await), (invited, active));
    assert_eq!(refusal(commands.send_message(&cleo.ctx, draft(us, "hi")).await), "not_found");
    // Asked again: nothing new. By a friend, they are in.
    let again = commands.add(&ana.ctx, us, cleo.id).await.unwrap();
    assert!(again.receipt.position.is_none());
    commands.leave(&cleo.ctx, us).await.unwrap();
    assert_eq!(refusal(commands.add(&ana.ctx, us, cleo.id).await), "has_left");
    befriend(&commands, &bob, &cleo).await;
    commands.add(&bob.ctx, us, cleo.id).await.unwrap();
    assert_eq!(status(&commands, us, &cleo).await, active);

    let other = group(&commands, &ana, &[&bob]).await;
    commands.add(&ana.ctx, other, cleo.id).await.unwrap();
    assert_eq!(status(&commands, other, &cleo).await, invited);
    assert_eq!(refusal(commands.kick(&bob.ctx, other, cleo.id).await), "lead_only");
    // A block between the invited and a lead makes the invitation as if it were not.
    for (by, whom) in [(&ana, &cleo), (&cleo, &ana)] {
        block(&commands, by, whom).await;
        assert_eq!(refusal(commands.join(&cleo.ctx, other).await), "not_found");
        assert_eq!(refusal(commands.leave(&cleo.ctx, other).await), "not_found");
        assert_eq!(refusal(commands.kick(&ana.ctx, other, cleo.id).await), "not_member");
        commands.friendship(&by.ctx, whom.id, Act::Unblock).await.unwrap();
    }
    let joined = commands.join(&cleo.ctx, other).await.unwrap();
    assert_eq!(joined.state.member(cleo.id).map(|member| member.status), active);
    say(&commands, &cleo, other, "hi").await;
});

each_engine!(the_servers_default_applies_without_a_preference, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store, CommandSettings { reachable_by: Reach::Friends, ..settings() });
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    assert_eq!(refusal(commands.create_conversation(&ana.ctx, direct_with(&bob)).await), "not_reachable");
    let us = group(&commands, &ana, &[&bob]).await;
    assert_eq!(status(&commands, us, &bob).await, Some(MemberStatus::Invited));
    prefer(&commands, &bob, &["messages"], "everyone").await;
    direct(&commands, &ana, &bob).await;
});

each_engine!(a_sender_who_left_deletes_their_messages, |home| async move {
    let commands = server(&home).await;
    let [ana, bob, cleo] =
        [person(&commands, "ana").await, person(&commands, "bob").await, person(&commands, "cleo").await];
    let us = group(&commands, &ana, &[&bob, &cleo]).await;
    let said: [MessageId; 2] = [say(&commands, &bob, us, "mine").await, say(&commands, &cleo, us, "hers").await];
    commands.leave(&bob.ctx, us).await.unwrap();
    commands.kick(&ana.ctx, us, cleo.id).await.unwrap();
    assert_eq!(refusal(commands.delete_message(&bob.ctx, said[1]).await), "not_found");
    assert_eq!(refusal(commands.edit_message(&bob.ctx, said[0], text("other").body).await), "not_found");
    for (person, message) in [(&bob, said[0]), (&cleo, said[1])] {
        assert!(commands.delete_message(&person.ctx, message).await.unwrap().state.is_deleted());
    }
    let last = say(&commands, &ana, us, "over").await;
    commands.delete_conversation(&ana.ctx, us).await.unwrap();
    assert_eq!(refusal(commands.delete_message(&ana.ctx, last).await), "not_found");
});

each_engine!(an_old_session_confirms_with_the_password, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let later = || Timestamp::from_millis(clock().millis() + 5 * 60 * 1_000);
    let late = Commands::new(store, CommandSettings { clock: later, ..settings() });
    let (right, wrong) = (|| Some(Password::claimed("correct horse")), || Some(Password::claimed("a wrong one")));
    for password in [None, wrong()] {
        let want = if password.is_some() { "password:wrong_password" } else { "password:required" };
        assert_eq!(refusal(late.deactivate(&ana.ctx, password.clone()).await), want);
        assert_eq!(refusal(late.erase(&ana.ctx, password).await), want);
    }
    assert_eq!(refusal(commands.deactivate(&ana.ctx, wrong()).await), "password:wrong_password");
    late.deactivate(&ana.ctx, right()).await.unwrap();
    late.erase(&bob.ctx, right()).await.unwrap();
    // A sign-in has just given it.
    let cleo = person(&late, "cleo").await;
    commands.deactivate(&cleo.ctx, None).await.unwrap();
});

each_engine!(who_would_not_see_an_invitation_gets_none, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let (ana, sue) = (person(&commands, "ana").await, person(&commands, "sue").await);
    let (cleo, dan) = (shy(&commands, "cleo", &["groups"]).await, shy(&commands, "dan", &["groups"]).await);
    let us = group(&commands, &ana, &[&sue]).await;
    commands.promote(&ana.ctx, us, sue.id).await.unwrap();
    block(&commands, &ana, &cleo).await;
    assert_eq!(refusal(commands.add(&sue.ctx, us, cleo.id).await), "not_reachable");
    assert_eq!(status(&commands, us, &cleo).await, None);
    // Nor do they receive the end of a group that is hidden from them.
    commands.friendship(&ana.ctx, cleo.id, Act::Unblock).await.unwrap();
    for person in [&cleo, &dan] {
        commands.add(&sue.ctx, us, person.id).await.unwrap();
    }
    block(&commands, &cleo, &ana).await;
    commands.delete_conversation(&sue.ctx, us).await.unwrap();
    let last = store.read_after(store.head().await.unwrap().position - 1, &Selection::All, 1).await.unwrap();
    let Event::Conversation(ConversationEvent::Deleted { pending, .. }) = store.open_event(&last[0]).await.unwrap()
    else {
        panic!("another event")
    };
    assert_eq!(*pending, [dan.id]);
});
