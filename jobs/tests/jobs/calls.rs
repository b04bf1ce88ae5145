//! Reactors on calls: people who leave a conversation leave its call, and a call leaves one message.

use commands::{CallRef, Commands};
use commands_testkit::*;
use domain::{
    CallId, Event,
    call::{CallStatus, EndReason, Standing},
    message::MessageType,
};
use event_store::{EventStore, Selection};
use jobs::Reactor;
use serde_json::Value;
use testkit::each_engine;

/// Lets the reactors react to every event, twice.
async fn react(commands: &Commands, store: &EventStore) {
    for _ in 0..2 {
        for event in store.read_after(0, &Selection::All, 1_000).await.unwrap() {
            commands.observe(&event);
            for reactor in [Reactor::LeaveCalls, Reactor::PostCallMessages] {
                reactor.react(commands, &event).await.unwrap();
            }
        }
    }
}

async fn message(commands: &Commands, call: CallId) -> Option<Value> {
    let state = commands.message(commands.call_record(call)).await.unwrap().state;
    let posted = state.posted()?;
    assert_eq!(posted.message_type, MessageType::Call);
    serde_json::from_str(posted.content.as_ref()?.body.as_str()).ok()
}

/// The types of the events of calls, with the recipients that they name beside their conversation.
async fn named(store: &EventStore) -> Vec<(String, Vec<domain::UserId>)> {
    let mut all = Vec::new();
    for event in store.read_after(0, &Selection::All, 1_000).await.unwrap() {
        if let Event::Call(happened) = store.open_event(&event).await.unwrap() {
            let about = Event::Call(happened.clone()).recipients(event.record.aggregate_id);
            all.push((event.record.event_type.clone(), about.into_iter().map(|about| about.user).collect()));
        }
    }
    all
}

each_engine!(a_former_member_leaves_the_call, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let mut people = Vec::new();
    for name in ["ana", "bob", "cleo", "dan"] {
        people.push(person(&commands, name).await);
    }
    let [ana, bob, cleo, dan] = &people[..] else { panic!("four") };
    let us = group(&commands, ana, &[bob, cleo, dan]).await;
    let call = ringing(&commands, ana, us).await;
    for guest in [bob, cleo, dan] {
        commands.answer_call(&guest.ctx, CallRef::Call(call)).await.unwrap();
    }
    commands.kick(&ana.ctx, us, bob.id).await.unwrap();
    commands.leave(&cleo.ctx, us).await.unwrap();
    react(&commands, &store).await;
    let state = commands.call(call).await.unwrap().state;
    assert_eq!(state.with_standing(Standing::Present).collect::<Vec<_>>(), [ana.id, dan.id]);
    // A kicked member who is back is not removed again by the earlier event.
    commands.add(&ana.ctx, us, bob.id).await.unwrap();
    commands.answer_call(&bob.ctx, CallRef::Call(call)).await.unwrap();
    react(&commands, &store).await;
    assert_eq!(commands.call(call).await.unwrap().state.standing(bob.id), Some(Standing::Present));
    commands.delete_conversation(&ana.ctx, us).await.unwrap();
    react(&commands, &store).await;
    let state = commands.call(call).await.unwrap().state;
    assert_eq!((state.status(), state.end_reason()), (CallStatus::Ended, Some(EndReason::Removed)));
    assert_eq!(active_call(&store, us).await, None);
});

each_engine!(a_block_hangs_up, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let pair = direct(&commands, &ana, &bob).await;
    let call = ringing(&commands, &ana, pair).await;
    commands.answer_call(&bob.ctx, CallRef::Call(call)).await.unwrap();
    block(&commands, &bob, &ana).await;
    react(&commands, &store).await;
    let state = commands.call(call).await.unwrap().state;
    assert_eq!((state.status(), state.end_reason()), (CallStatus::Ended, Some(EndReason::HungUp)));
    let events = store.read_after(0, &Selection::All, 1_000).await.unwrap();
    let closed = events.iter().find(|event| event.record.event_type == "call.closed").unwrap();
    assert_eq!(closed.record.origin.actor, Some(bob.id.0), "as if he had hung up: she learns nothing else");
});

each_engine!(a_call_leaves_one_message, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let us = group(&commands, &ana, &[&bob]).await;
    let call = ringing(&commands, &bob, us).await;
    commands.answer_call(&ana.ctx, CallRef::Call(call)).await.unwrap();
    react(&commands, &store).await;
    assert_eq!(message(&commands, call).await, None, "not before it is over");
    commands.close_call(&ana.ctx, CallRef::Call(call)).await.unwrap();
    react(&commands, &store).await;
    let said = message(&commands, call).await.unwrap();
    let want = serde_json::json!({
        "callId": call, "callType": "VIDEO", "status": "ENDED", "endReason": "hung_up", "duration": 0,
    });
    assert_eq!(said, want);
    let posted = commands.message(commands.call_record(call)).await.unwrap().state;
    assert_eq!(posted.posted().unwrap().sender, bob.id, "from who called");
    let mut sent = 0;
    for event in store.read_after(0, &Selection::All, 1_000).await.unwrap() {
        sent += usize::from(matches!(store.open_event(&event).await.unwrap(), Event::Message(_)));
    }
    assert_eq!(sent, 1);
    // A caller who left leaves no message.
    let last = ringing(&commands, &bob, us).await;
    commands.kick(&ana.ctx, us, bob.id).await.unwrap();
    react(&commands, &store).await;
    assert_eq!(commands.call(last).await.unwrap().state.end_reason(), Some(EndReason::Removed));
    assert_eq!(message(&commands, last).await, None);
});

each_engine!(a_removed_person_receives_the_event_of_their_removal, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let mut people = Vec::new();
    for name in ["ana", "bob", "cleo"] {
        people.push(person(&commands, name).await);
    }
    let [ana, bob, cleo] = &people[..] else { panic!("three") };
    let us = group(&commands, ana, &[bob, cleo]).await;
    let call = ringing(&commands, ana, us).await;
    for guest in [bob, cleo] {
        commands.answer_call(&guest.ctx, CallRef::Call(call)).await.unwrap();
    }
    commands.kick(&ana.ctx, us, bob.id).await.unwrap();
    react(&commands, &store).await;
    assert_eq!(named(&store).await.last().unwrap(), &("call.left".to_owned(), vec![bob.id]));
    commands.delete_conversation(&ana.ctx, us).await.unwrap();
    react(&commands, &store).await;
    let mut both = vec![ana.id, cleo.id];
    both.sort_unstable();
    assert_eq!(named(&store).await.last().unwrap(), &("call.closed".to_owned(), both));
    assert_eq!(active_call(&store, us).await, None);
});

each_engine!(hanging_up_first_still_removes_kicked_members, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let mut people = Vec::new();
    for name in ["ana", "bob", "cleo"] {
        people.push(person(&commands, name).await);
    }
    let [ana, bob, cleo] = &people[..] else { panic!("three") };
    let us = group(&commands, ana, &[bob, cleo]).await;
    let call = ringing(&commands, ana, us).await;
    for guest in [bob, cleo] {
        commands.answer_call(&guest.ctx, CallRef::Call(call)).await.unwrap();
    }
    // Before the reactor reacts to the kick.
    commands.kick(&ana.ctx, us, bob.id).await.unwrap();
    let closed = commands.close_call(&ana.ctx, CallRef::Call(call)).await.unwrap();
    assert!(!closed.state.is_active());
    let last = named(&store).await.split_off(3);
    let want = [("call.left", vec![bob.id]), ("call.closed", vec![])].map(|(name, people)| (name.to_owned(), people));
    assert_eq!(last, want);
    assert_eq!(active_call(&store, us).await, None);
    react(&commands, &store).await;
    assert_eq!(named(&store).await.len(), 5, "and the reactor finds nothing to do");
    let again = ringing(&commands, cleo, us).await;
    assert_ne!(again, call);
});

each_engine!(a_stopped_account_leaves_every_call, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let [ana, bob, cleo] =
        [person(&commands, "ana").await, person(&commands, "bob").await, person(&commands, "cleo").await];
    let root = admin(&commands).await;
    let (us, pair) = (group(&commands, &ana, &[&bob, &cleo]).await, direct(&commands, &ana, &bob).await);
    let (talk, rings) = (ringing(&commands, &ana, us).await, ringing(&commands, &ana, pair).await);
    for guest in [&bob, &cleo] {
        commands.answer_call(&guest.ctx, CallRef::Call(talk)).await.unwrap();
    }
    commands.block_account(&root.ctx, bob.id, true).await.unwrap();
    react(&commands, &store).await;
    let state = commands.call(talk).await.unwrap().state;
    assert_eq!(state.with_standing(Standing::Present).collect::<Vec<_>>(), [ana.id, cleo.id]);
    assert_ne!(commands.call(rings).await.unwrap().state.standing(bob.id), Some(Standing::Ringing));
    // The earlier event does not remove an unblocked account.
    commands.block_account(&root.ctx, bob.id, false).await.unwrap();
    commands.answer_call(&bob.ctx, CallRef::Call(talk)).await.unwrap();
    react(&commands, &store).await;
    assert_eq!(commands.call(talk).await.unwrap().state.standing(bob.id), Some(Standing::Present));
});
