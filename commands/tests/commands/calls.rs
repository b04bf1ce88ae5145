//! Calls: one at a time in a conversation, whoever calls, answers or goes at the same time.

use crate::support::*;
use commands::{CallRef, CommandError, Commands, Context, InitiateCall, Initiated, reactor::Reactor};
use domain::{
    CallId, ConversationId, Event, Timestamp,
    call::{CallStatus, CallType, EndReason, Standing},
    message::MessageType,
};
use event_store::{ClaimKind, EventStore, Selection};
use futures_util::future::join_all;
use serde_json::Value;
use testkit::each_engine;

fn call_in(conversation: ConversationId) -> InitiateCall {
    InitiateCall { id: CallId(ids()), conversation, call_type: CallType::Video, somebody_is_there: true }
}

async fn initiate(commands: &Commands, by: &Person, conversation: ConversationId) -> Initiated {
    commands.initiate_call(&by.ctx, call_in(conversation)).await.unwrap()
}

/// A call that rings.
async fn ringing(commands: &Commands, by: &Person, conversation: ConversationId) -> CallId {
    CallId(initiate(commands, by, conversation).await.done.id)
}

async fn names(store: &EventStore) -> Vec<String> {
    let events = store.read_after(0, &Selection::All, 1_000).await.unwrap();
    let calls = events.iter().filter(|event| event.record.event_type.starts_with("call."));
    calls.map(|event| event.record.event_type.clone()).collect()
}

async fn active(store: &EventStore, conversation: ConversationId) -> Option<CallId> {
    let hash = store.claim_hash(ClaimKind::ActiveCall, &conversation.to_string());
    store.claimed_by(ClaimKind::ActiveCall, &hash).await.unwrap().map(CallId)
}

/// Lets the reactors hear everything, twice.
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

each_engine!(a_call_takes_its_conversation_and_gives_it_back, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let pair = direct(&commands, &ana, &bob).await;
    let begun = initiate(&commands, &ana, pair).await;
    let call = CallId(begun.done.id);
    assert!(!begun.existed && begun.done.state.status() == CallStatus::Ringing);
    assert_eq!(active(&store, pair).await, Some(call));

    let answered = commands.answer_call(&bob.ctx, CallRef::In(pair)).await.unwrap();
    assert_eq!((answered.id, answered.state.status()), (call.0, CallStatus::Ongoing));
    let closed = commands.close_call(&ana.ctx, CallRef::Call(call)).await.unwrap();
    assert_eq!((closed.state.status(), closed.state.end_reason()), (CallStatus::Ended, Some(EndReason::HungUp)));
    assert_eq!(active(&store, pair).await, None);
    // Both hung up at once.
    assert_eq!(commands.close_call(&bob.ctx, CallRef::Call(call)).await.unwrap().receipt.position, None);

    let next = ringing(&commands, &bob, pair).await;
    assert_ne!(next, call);
    let refused = commands.refuse_call(&ana.ctx, CallRef::In(pair)).await.unwrap();
    assert_eq!((refused.id, refused.state.status()), (next.0, CallStatus::Refused));
    assert_eq!(active(&store, pair).await, None);
    for ended in [call, next] {
        assert_eq!(refusal(commands.answer_call(&ana.ctx, CallRef::Call(ended)).await), "call_ended");
    }
    assert_eq!(refusal(commands.answer_call(&ana.ctx, CallRef::In(pair)).await), "not_found");
    assert_eq!(names(&store).await, ["call.ringing", "call.answered", "call.closed", "call.ringing", "call.refused"]);
});

each_engine!(a_repeated_call_answers_the_first_result, |home| async move {
    let commands = server(&home).await;
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let pair = direct(&commands, &ana, &bob).await;
    let key = ana.with_key("ring");
    let first = commands.initiate_call(&key, call_in(pair)).await.unwrap();
    commands.close_call(&ana.ctx, CallRef::In(pair)).await.unwrap();
    // Meanwhile nobody is there, and the conversation has no call.
    let again = InitiateCall { somebody_is_there: false, ..call_in(pair) };
    let again = commands.initiate_call(&key, again).await.unwrap();
    assert_eq!((again.done.id, again.existed, again.done.receipt.repeated), (first.done.id, false, true));
    assert_eq!(again.done.state.status(), CallStatus::Ringing, "as it was then");
    let close = bob.with_key("close");
    let next = ringing(&commands, &ana, pair).await;
    let refused = commands.close_call(&close, CallRef::In(pair)).await.unwrap();
    let repeated = commands.close_call(&close, CallRef::In(pair)).await.unwrap();
    assert_eq!((refused.id, repeated.id, repeated.receipt.repeated), (next.0, next.0, true));
});

each_engine!(whoever_calls_at_the_same_time_meets, |home| async move {
    let store = open(&home).await;
    let nodes = [(); 2].map(|()| Commands::new(store.clone(), settings()));
    let people = join_all((0..6).map(|n| {
        let node = &nodes[0];
        async move { person(node, &format!("p{n}")).await }
    }))
    .await;
    let others: Vec<_> = people[1..].iter().collect();
    let us = group(&nodes[0], &people[0], &others).await;
    for round in 0..3 {
        let calls = join_all(people.iter().enumerate().map(|(n, caller)| {
            let node = &nodes[n % 2];
            async move {
                let mut met = node.initiate_call(&caller.ctx, call_in(us)).await;
                // On two nodes an unlucky one may be told to try again.
                while matches!(met, Err(CommandError::Contended)) {
                    met = node.initiate_call(&caller.ctx, call_in(us)).await;
                }
                met.unwrap()
            }
        }))
        .await;
        let call = calls[0].done.id;
        assert!(calls.iter().all(|met| met.done.id == call), "one call");
        assert_eq!(calls.iter().filter(|met| !met.existed).count(), 1, "begun once");
        let rung = names(&store).await.iter().filter(|name| *name == "call.ringing").count();
        assert_eq!(rung, round + 1);
        let events = store.read_after(0, &Selection::All, 1_000).await.unwrap();
        nodes.iter().for_each(|node| events.iter().for_each(|event| node.observe(event)));
        let state = nodes[1].call(call.into()).await.unwrap().state;
        assert_eq!(state.with_standing(Standing::Present).count(), people.len(), "all are in it");
        // All hang up at once.
        join_all(people.iter().map(|caller| async {
            while let Err(error) = nodes[0].close_call(&caller.ctx, CallRef::Call(call.into())).await {
                assert!(matches!(error, CommandError::Contended), "{error:?}");
            }
        }))
        .await;
        assert_eq!(active(&store, us).await, None);
    }
});

each_engine!(who_may_not_write_there_may_not_call, |home| async move {
    let commands = server(&home).await;
    let (ana, bob, eve) =
        (person(&commands, "ana").await, person(&commands, "bob").await, person(&commands, "eve").await);
    let pair = direct(&commands, &ana, &bob).await;
    let call = ringing(&commands, &ana, pair).await;
    for meant in [CallRef::Call(call), CallRef::In(pair)] {
        assert_eq!(refusal(commands.answer_call(&eve.ctx, meant).await), "not_found");
        assert_eq!(refusal(commands.refuse_call(&eve.ctx, meant).await), "not_found");
        assert_eq!(refusal(commands.close_call(&eve.ctx, meant).await), "not_found");
    }
    assert_eq!(refusal(commands.initiate_call(&eve.ctx, call_in(pair)).await), "not_found");
    block(&commands, &ana, &bob).await;
    assert_eq!(refusal(commands.answer_call(&bob.ctx, CallRef::Call(call)).await), "cannot_message");
    commands.close_call(&bob.ctx, CallRef::Call(call)).await.unwrap();
    assert_eq!(refusal(commands.initiate_call(&bob.ctx, call_in(pair)).await), "cannot_message");
    assert_eq!(refusal(commands.initiate_call(&ana.ctx, call_in(pair)).await), "blocked_by_you");
});

each_engine!(nobody_is_rung_where_nobody_is, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let (pair, alone) = (direct(&commands, &ana, &bob).await, group(&commands, &ana, &[]).await);
    let nobody = |conversation| InitiateCall { somebody_is_there: false, ..call_in(conversation) };
    assert_eq!(refusal(commands.initiate_call(&ana.ctx, nobody(pair)).await), "user_not_online");
    assert_eq!(refusal(commands.initiate_call(&ana.ctx, nobody(alone)).await), "nobody_to_call");
    assert!(names(&store).await.is_empty() && active(&store, pair).await.is_none());
    let call = ringing(&commands, &ana, pair).await;
    let joined = commands.initiate_call(&bob.ctx, nobody(pair)).await.unwrap();
    assert_eq!((joined.done.id, joined.existed), (call.0, true), "what rings is joined anyway");
});

each_engine!(a_time_out_has_one_effect, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let pair = direct(&commands, &ana, &bob).await;
    let call = ringing(&commands, &ana, pair).await;
    let deadline = Timestamp::from_millis(1);
    let two = [0, 1].map(|_| Commands::new(store.clone(), settings()));
    for timed_out in join_all(two.iter().map(|node| node.time_out_call(call, deadline))).await {
        assert_eq!(timed_out.unwrap().state.status(), CallStatus::Missed);
    }
    assert_eq!(names(&store).await, ["call.ringing", "call.missed"]);
    assert_eq!(active(&store, pair).await, None);
    // What was answered is left alone, whoever looks too late.
    let answered = ringing(&commands, &ana, pair).await;
    commands.answer_call(&bob.ctx, CallRef::In(pair)).await.unwrap();
    two[0].time_out_call(answered, deadline).await.unwrap();
    assert_eq!(commands.call(answered).await.unwrap().state.status(), CallStatus::Ongoing);
    commands.drop_the_lost(answered, bob.id, deadline).await.unwrap();
    two[1].drop_the_lost(answered, bob.id, deadline).await.unwrap();
    let state = commands.call(answered).await.unwrap().state;
    assert_eq!((state.status(), state.end_reason()), (CallStatus::Ended, Some(EndReason::ConnectionLost)));
});

each_engine!(who_leaves_the_conversation_leaves_its_call, |home| async move {
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
    // Who was put out and is back is not put out of the next call by what happened before.
    commands.add(&ana.ctx, us, bob.id).await.unwrap();
    commands.answer_call(&bob.ctx, CallRef::Call(call)).await.unwrap();
    react(&commands, &store).await;
    assert_eq!(commands.call(call).await.unwrap().state.standing(bob.id), Some(Standing::Present));
    commands.delete_conversation(&ana.ctx, us).await.unwrap();
    react(&commands, &store).await;
    let state = commands.call(call).await.unwrap().state;
    assert_eq!((state.status(), state.end_reason()), (CallStatus::Ended, Some(EndReason::Removed)));
    assert_eq!(active(&store, us).await, None);
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

async fn message(commands: &Commands, call: CallId) -> Option<Value> {
    let state = commands.message(commands.call_record(call)).await.unwrap().state;
    let posted = state.posted()?;
    assert_eq!(posted.message_type, MessageType::Call);
    serde_json::from_str(posted.content.as_ref()?.body.as_str()).ok()
}

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
    // Who called and has gone says nothing there any more.
    let last = ringing(&commands, &bob, us).await;
    commands.kick(&ana.ctx, us, bob.id).await.unwrap();
    react(&commands, &store).await;
    assert_eq!(commands.call(last).await.unwrap().state.end_reason(), Some(EndReason::Removed));
    assert_eq!(message(&commands, last).await, None);
});

each_engine!(nobody_takes_the_place_of_a_calls_record, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let pair = direct(&commands, &ana, &bob).await;
    let call = ringing(&commands, &ana, pair).await;
    // What can be made of the call's id alone is not the record's.
    for name in ["call_message", "call", "record"] {
        let derived = uuid::Uuid::new_v5(&call.0, name.as_bytes());
        assert_ne!(commands.call_record(call).0, derived);
    }
    assert_eq!(commands.call_record(call), Commands::new(store.clone(), settings()).call_record(call));
});

/// Whom the events of calls name beside their conversation.
async fn told(store: &EventStore) -> Vec<(String, Vec<domain::UserId>)> {
    let mut told = Vec::new();
    for event in store.read_after(0, &Selection::All, 1_000).await.unwrap() {
        if let Event::Call(happened) = store.open_event(&event).await.unwrap() {
            let about = Event::Call(happened.clone()).about(event.record.aggregate_id);
            told.push((event.record.event_type.clone(), about.into_iter().map(|about| about.user).collect()));
        }
    }
    told
}

each_engine!(whoever_was_taken_out_is_told_though_they_have_gone, |home| async move {
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
    assert_eq!(told(&store).await.last().unwrap(), &("call.left".to_owned(), vec![bob.id]));
    commands.delete_conversation(&ana.ctx, us).await.unwrap();
    react(&commands, &store).await;
    let mut both = vec![ana.id, cleo.id];
    both.sort_unstable();
    assert_eq!(told(&store).await.last().unwrap(), &("call.closed".to_owned(), both));
    assert_eq!(active(&store, us).await, None);
});

each_engine!(whoever_hangs_up_first_still_tells_those_who_were_put_out, |home| async move {
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
    // Before the reactor has heard of the kick.
    commands.kick(&ana.ctx, us, bob.id).await.unwrap();
    let closed = commands.close_call(&ana.ctx, CallRef::Call(call)).await.unwrap();
    assert!(!closed.state.is_active());
    let last = told(&store).await.split_off(3);
    let want = [("call.left", vec![bob.id]), ("call.closed", vec![])].map(|(name, told)| (name.to_owned(), told));
    assert_eq!(last, want);
    assert_eq!(active(&store, us).await, None);
    react(&commands, &store).await;
    assert_eq!(told(&store).await.len(), 5, "and the reactor finds nothing to do");
    let again = ringing(&commands, cleo, us).await;
    assert_ne!(again, call);
});

each_engine!(only_those_in_a_call_signal_in_it, |home| async move {
    let store = open(&home).await;
    let (here, there) = (Commands::new(store.clone(), settings()), Commands::new(store.clone(), settings()));
    let mut people = Vec::new();
    for name in ["ana", "bob", "cleo", "eve"] {
        people.push(person(&here, name).await);
    }
    let [ana, bob, cleo, eve] = &people[..] else { panic!("four") };
    let us = group(&here, ana, &[bob, cleo]).await;
    let call = ringing(&here, ana, us).await;
    let may = async |from: &Person, to: &Person| -> Result<_, CommandError> {
        let ctx: &Context = &from.ctx;
        there.may_signal_in_call(ctx, call, to.id).await
    };
    assert_eq!(may(ana, bob).await.unwrap(), (ana.id, us));
    assert_eq!(may(bob, ana).await.unwrap(), (bob.id, us), "while it rings");
    assert_eq!(refusal(may(ana, eve).await), "not_in_call");
    assert_eq!(refusal(may(eve, ana).await), "not_found");
    here.refuse_call(&cleo.ctx, CallRef::Call(call)).await.unwrap();
    here.answer_call(&bob.ctx, CallRef::Call(call)).await.unwrap();
    store.read_after(0, &Selection::All, 1_000).await.unwrap().iter().for_each(|event| there.observe(event));
    assert_eq!(refusal(may(cleo, ana).await), "not_in_call");
    here.answer_call(&cleo.ctx, CallRef::Call(call)).await.unwrap();
    assert_eq!(may(cleo, bob).await.unwrap(), (cleo.id, us), "nobody is refused on hearsay");
    // Nothing has taken who was kicked out of the call yet.
    here.kick(&ana.ctx, us, cleo.id).await.unwrap();
    store.read_after(0, &Selection::All, 1_000).await.unwrap().iter().for_each(|event| there.observe(event));
    assert!(here.call(call).await.unwrap().state.involves(cleo.id));
    assert_eq!(refusal(may(ana, cleo).await), "not_in_call");
    assert_eq!(refusal(may(cleo, ana).await), "not_found");
    for person in [ana, bob] {
        here.close_call(&person.ctx, CallRef::Call(call)).await.unwrap();
    }
    store.read_after(0, &Selection::All, 1_000).await.unwrap().iter().for_each(|event| there.observe(event));
    assert_eq!(refusal(may(ana, bob).await), "call_ended");
});

each_engine!(whoever_is_stopped_from_acting_leaves_every_call, |home| async move {
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
    // What happened before does not put out who may act again.
    commands.block_account(&root.ctx, bob.id, false).await.unwrap();
    commands.answer_call(&bob.ctx, CallRef::Call(talk)).await.unwrap();
    react(&commands, &store).await;
    assert_eq!(commands.call(talk).await.unwrap().state.standing(bob.id), Some(Standing::Present));
});
