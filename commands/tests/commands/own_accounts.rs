//! A person's own account: its password, hiding it, erasing it.

use crate::support::*;
use commands::{CommandError, Commands, CreateConversation, Password, reactor::Reactor};
use domain::{
    AggregateType, UserId,
    conversation::Joining,
    friendship::{FriendshipAct, Standing},
    text::Title,
    user::UserEvent,
};
use event_store::{Append, CommandKey, EventStore, NewEvent, Origin, Position, Retention, Selection, StreamId};
use testkit::each_engine;

const OLD: &str = "correct horse";
const NEW: &str = "battery staple";

async fn signed_in(commands: &Commands, name: &str, password: &str) -> (Person, String) {
    let signed_in = commands.sign_in(&anonymous(), sign_in(name, password)).await.unwrap();
    (Person::of(&signed_in), signed_in.refresh_token)
}

async fn change(commands: &Commands, ctx: &commands::Context, current: &str, new: &str) -> Result<(), CommandError> {
    commands.change_password(ctx, Password::claimed(current), password(new)).await.map(|_| ())
}

async fn lives(commands: &Commands, person: &Person) -> bool {
    commands.session_is_live(person.session, person.id).await.unwrap()
}

/// What follows from all events so far, as often as wanted.
async fn settle(store: &EventStore, commands: &Commands, times: usize) {
    for _ in 0..times {
        for event in store.read_after(0, &Selection::All, 10_000).await.unwrap() {
            for reactor in Reactor::ALL {
                reactor.react(commands, &event).await.unwrap();
            }
        }
    }
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

each_engine!(no_session_that_began_with_the_old_password_outlives_it, |home| async move {
    let store = open(&home).await;
    let nodes = [0, 1].map(|_| Commands::new(store.clone(), settings()));
    let ana = person(&nodes[0], "ana").await;
    let (mut old, mut new) = (OLD.to_owned(), "password 0".to_owned());
    for n in 1..8 {
        let ctx = anonymous();
        let (changed, other) =
            tokio::join!(change(&nodes[0], &ana.ctx, &old, &new), nodes[1].sign_in(&ctx, sign_in("ana", &old)));
        changed.unwrap();
        settle(&store, &nodes[0], 1).await;
        if let Ok(other) = other {
            let other = Person::of(&other);
            let fresh = Commands::new(store.clone(), settings());
            assert!(!lives(&fresh, &other).await);
        }
        assert!(lives(&nodes[0], &ana).await);
        (old, new) = (new, format!("password {n}"));
    }
});

each_engine!(sessions_that_nobody_ended_are_ended_by_what_follows, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let ana = person(&commands, "ana").await;
    let (other, _) = signed_in(&commands, "ana", OLD).await;
    let event = UserEvent::PasswordChanged { kept: Some(ana.session) };
    append(&store, ana.id, event).await;
    let (later, _) = signed_in(&Commands::new(store.clone(), settings()), "ana", OLD).await;
    settle(&store, &commands, 2).await;
    let fresh = Commands::new(store.clone(), settings());
    assert!(!lives(&fresh, &other).await && lives(&fresh, &ana).await && lives(&fresh, &later).await);
});

/// Appends an event of an account as a process would that ended no sessions with it.
async fn append(store: &EventStore, user: UserId, event: UserEvent) {
    let stream = StreamId::new(AggregateType::User, user);
    let sequence = store.load(stream, 0).await.unwrap().len() as u64 + 1;
    let append = Append {
        origin: Origin::default(),
        key: CommandKey { owner: "test".to_owned(), key: ids().to_string() },
        request_hash: [0; 32],
        retention: Retention::Week,
        tier: domain::Tier::High,
        guards: Vec::new(),
        claims: Vec::new(),
        secrets: Vec::new(),
        events: vec![NewEvent { stream, sequence, event: event.into() }],
    };
    store.append(append).await.unwrap();
}

each_engine!(a_deactivated_account_is_hidden_until_its_owner_signs_in, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let (ana, bob, cleo) =
        (person(&commands, "ana").await, person(&commands, "bob").await, person(&commands, "cleo").await);
    commands.friendship(&bob.ctx, ana.id, FriendshipAct::Request).await.unwrap();
    let (other, refresh) = signed_in(&commands, "ana", OLD).await;
    let room = group(&commands, &bob, &[&ana]).await;
    let before = store.head().await.unwrap().position;
    commands.deactivate(&ana.ctx).await.unwrap();
    assert_eq!(types(&store, before).await, ["session.ended", "session.ended", "account.deactivated"]);
    for session in [&ana, &other] {
        assert!(!lives(&commands, session).await);
        assert_eq!(refusal(commands.deactivate(&session.ctx).await), "InvalidToken");
    }
    assert_eq!(refusal(commands.refresh(&anonymous(), &refresh).await), "InvalidToken");
    let approach = async |act| refusal(commands.friendship(&cleo.ctx, ana.id, act).await);
    assert_eq!(approach(FriendshipAct::Request).await, "not_found");
    assert_eq!(refusal(commands.create_conversation(&cleo.ctx, direct_with(&ana)).await), "not_found");
    assert_eq!(refusal(commands.create_conversation(&cleo.ctx, group_of(&[&ana])).await), "not_found");
    settle(&store, &commands, 1).await;
    assert!(commands.conversation(room).await.unwrap().state.member(ana.id).is_some(), "they stay where they are");
    // What is between them can be ended meanwhile.
    commands.friendship(&bob.ctx, ana.id, FriendshipAct::Cancel).await.unwrap();

    assert_eq!(refusal(commands.sign_in(&anonymous(), sign_in("ana", "wrong horse")).await), "WrongCredentials");
    let before = store.head().await.unwrap().position;
    let (ana, _) = signed_in(&commands, "ana", OLD).await;
    assert_eq!(types(&store, before).await, ["account.reactivated", "session.started"]);
    say(&commands, &ana, room, "back again").await;
    commands.friendship(&cleo.ctx, ana.id, FriendshipAct::Request).await.unwrap();
    settle(&store, &commands, 1).await;
    assert!(lives(&commands, &ana).await, "what followed from hiding does not end what came after");
});

each_engine!(whoever_is_blocked_does_not_come_back_by_signing_in, |home| async move {
    let commands = server(&home).await;
    let (root, ana) = (admin(&commands).await, person(&commands, "ana").await);
    commands.deactivate(&ana.ctx).await.unwrap();
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

each_engine!(whoever_is_erased_leaves_everything, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let people = ["ana", "bob", "cleo", "dan", "eve", "fay"];
    let mut them = Vec::new();
    for name in people {
        them.push(person(&commands, name).await);
    }
    let [ana, bob, cleo, dan, eve, fay] = them.as_slice() else { panic!("six people") };
    let act = async |by: &Person, with: &Person, act| drop(commands.friendship(&by.ctx, with.id, act).await.unwrap());
    act(ana, bob, FriendshipAct::Request).await;
    act(bob, ana, FriendshipAct::Accept).await;
    act(ana, cleo, FriendshipAct::Request).await;
    act(dan, ana, FriendshipAct::Request).await;
    act(ana, eve, FriendshipAct::Block).await;
    act(fay, ana, FriendshipAct::Block).await;
    let led = group(&commands, ana, &[bob, cleo]).await;
    let alone = group(&commands, ana, &[]).await;
    let us = direct(&commands, ana, bob).await;
    let closed = CreateConversation { joining: Joining::Approval, ..group_of(&[]) };
    let asked = domain::ConversationId(commands.create_conversation(&dan.ctx, closed).await.unwrap().done.id);
    commands.join(&ana.ctx, asked).await.unwrap();
    let call = commands::InitiateCall {
        id: domain::CallId(ids()),
        conversation: us,
        call_type: domain::call::CallType::Voice,
        somebody_is_there: true,
    };
    let call = commands.initiate_call(&ana.ctx, call).await.unwrap().done.id;

    commands.erase(&ana.ctx, None).await.unwrap();
    // Twice: what follows from what followed.
    settle(&store, &commands, 2).await;
    let settled = store.head().await.unwrap().position;
    settle(&store, &Commands::new(store.clone(), settings()), 2).await;
    assert_eq!(store.head().await.unwrap().position, settled, "done twice, it has one effect");

    let fresh = Commands::new(store.clone(), settings());
    let standing = async |with: &Person| fresh.friendship_of(ana.id, with.id).await.unwrap().state;
    for other in [bob, cleo, dan] {
        assert_eq!(standing(other).await.standing(), Standing::Strangers);
    }
    assert!(!standing(eve).await.is_blocked_by(ana.id));
    assert!(standing(fay).await.is_blocked_by(fay.id), "what others did stays theirs");
    let state = async |conversation| fresh.conversation(conversation).await.unwrap().state;
    assert!(state(led).await.is_lead(bob.id) && state(led).await.member(ana.id).is_none());
    assert_eq!(state(led).await.settings().title, None::<Title>, "it was theirs");
    assert!(!state(alone).await.is_live());
    assert!(state(asked).await.member(ana.id).is_none());
    assert!(state(us).await.member(ana.id).is_some(), "a direct conversation stays with the other");
    assert!(!fresh.call(domain::CallId(call)).await.unwrap().state.is_active());
    let events = store.read_after(0, &Selection::All, 10_000).await.unwrap();
    let followed = events.iter().filter(|event| event.record.command_key.starts_with("settle_accounts:"));
    assert!(followed.clone().count() > 5);
    assert!(followed.clone().all(|event| event.record.origin.causation_id.is_some()));
});
