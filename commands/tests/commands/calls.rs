//! Calls: one at a time in a conversation, under concurrent commands.

use commands::{CallRef, CommandError, Commands, Context, InitiateCall};
use commands_testkit::*;
use domain::{
    CallId, Timestamp,
    call::{CallStatus, EndReason, Standing},
};
use event_store::{EventStore, Selection};
use futures_util::future::join_all;
use testkit::each_engine;

async fn names(store: &EventStore) -> Vec<String> {
    let events = store.read_after(0, &Selection::All, 1_000).await.unwrap();
    let calls = events.iter().filter(|event| event.record.event_type.starts_with("call."));
    calls.map(|event| event.record.event_type.clone()).collect()
}

each_engine!(a_call_takes_its_conversation_and_gives_it_back, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let pair = direct(&commands, &ana, &bob).await;
    let begun = initiate(&commands, &ana, pair).await;
    let call = CallId(begun.done.id);
    assert!(!begun.existed && begun.done.state.status() == CallStatus::Ringing);
    assert_eq!(active_call(&store, pair).await, Some(call));

    let answered = commands.answer_call(&bob.ctx, CallRef::In(pair)).await.unwrap();
    assert_eq!((answered.id, answered.state.status()), (call.0, CallStatus::Ongoing));
    let closed = commands.close_call(&ana.ctx, CallRef::Call(call)).await.unwrap();
    assert_eq!((closed.state.status(), closed.state.end_reason()), (CallStatus::Ended, Some(EndReason::HungUp)));
    assert_eq!(active_call(&store, pair).await, None);
    // Both hung up at once.
    assert_eq!(commands.close_call(&bob.ctx, CallRef::Call(call)).await.unwrap().receipt.position, None);

    let next = ringing(&commands, &bob, pair).await;
    assert_ne!(next, call);
    let refused = commands.refuse_call(&ana.ctx, CallRef::In(pair)).await.unwrap();
    assert_eq!((refused.id, refused.state.status()), (next.0, CallStatus::Refused));
    assert_eq!(active_call(&store, pair).await, None);
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
    // Meanwhile no other member is online, and the conversation has no call.
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

each_engine!(simultaneous_callers_meet, |home| async move {
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
                // On two nodes an unlucky command may have to be retried.
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
        assert_eq!(active_call(&store, us).await, None);
    }
});

each_engine!(calling_needs_the_right_to_write, |home| async move {
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

each_engine!(a_call_needs_an_online_member, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let (pair, alone) = (direct(&commands, &ana, &bob).await, group(&commands, &ana, &[]).await);
    let nobody = |conversation| InitiateCall { somebody_is_there: false, ..call_in(conversation) };
    assert_eq!(refusal(commands.initiate_call(&ana.ctx, nobody(pair)).await), "user_not_online");
    assert_eq!(refusal(commands.initiate_call(&ana.ctx, nobody(alone)).await), "nobody_to_call");
    assert!(names(&store).await.is_empty() && active_call(&store, pair).await.is_none());
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
    assert_eq!(active_call(&store, pair).await, None);
    // An answered call is not timed out by a late job.
    let answered = ringing(&commands, &ana, pair).await;
    commands.answer_call(&bob.ctx, CallRef::In(pair)).await.unwrap();
    two[0].time_out_call(answered, deadline).await.unwrap();
    assert_eq!(commands.call(answered).await.unwrap().state.status(), CallStatus::Ongoing);
    commands.drop_disconnected(answered, bob.id, deadline).await.unwrap();
    two[1].drop_disconnected(answered, bob.id, deadline).await.unwrap();
    let state = commands.call(answered).await.unwrap().state;
    assert_eq!((state.status(), state.end_reason()), (CallStatus::Ended, Some(EndReason::ConnectionLost)));
});

each_engine!(no_client_can_use_the_id_of_a_calls_record, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let pair = direct(&commands, &ana, &bob).await;
    let call = ringing(&commands, &ana, pair).await;
    // An id derived from the call's id alone is not the record's.
    for name in ["call_message", "call", "record"] {
        let derived = uuid::Uuid::new_v5(&call.0, name.as_bytes());
        assert_ne!(commands.call_record(call).0, derived);
    }
    assert_eq!(commands.call_record(call), Commands::new(store.clone(), settings()).call_record(call));
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
    assert_eq!(may(cleo, bob).await.unwrap(), (cleo.id, us), "a refusal is retried on fresh state");
    // The reactor has not removed the kicked member from the call yet.
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
