//! Reactors on accounts: orphaned sessions end, erased people leave everything, and groups keep a lead.

use commands::{CommandError, Commands, CreateConversation, Password};
use commands_testkit::*;
use domain::{
    AggregateType, UserId,
    conversation::Joining,
    friendship::{FriendshipAct, Standing},
    text::Title,
    user::UserEvent,
};
use event_store::{Append, CommandKey, EventStore, NewEvent, Origin, Position, Retention, Selection, StreamId};
use jobs::Reactor;
use testkit::each_engine;

const OLD: &str = "correct horse";

async fn change(commands: &Commands, ctx: &commands::Context, current: &str, new: &str) -> Result<(), CommandError> {
    commands.change_password(ctx, Password::claimed(current), password(new)).await.map(|_| ())
}

async fn types(store: &EventStore, after: Position) -> Vec<String> {
    let events = store.read_after(after, &Selection::All, 10_000).await.unwrap();
    events.iter().map(|event| event.record.event_type.clone()).collect()
}

/// Lets the reactors react to all events so far, `times` times.
async fn settle(store: &EventStore, commands: &Commands, times: usize) {
    for _ in 0..times {
        for event in store.read_after(0, &Selection::All, 10_000).await.unwrap() {
            for reactor in Reactor::ALL {
                reactor.react(commands, &event).await.unwrap();
            }
        }
    }
}

/// Appends an event of an account as if its process had ended no sessions with it.
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

each_engine!(no_session_of_the_old_password_outlives_it, |home| async move {
    let store = open(&home).await;
    let nodes = [0, 1].map(|_| Commands::new(store.clone(), settings()));
    let ana = person(&nodes[0], "ana").await;
    let (mut old, mut new) = (OLD.to_owned(), "long phrase 0".to_owned());
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
        (old, new) = (new, format!("long phrase {n}"));
    }
});

each_engine!(orphaned_sessions_are_ended, |home| async move {
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

each_engine!(a_deactivated_account_is_hidden_until_its_owner_signs_in, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let (ana, bob, cleo) =
        (person(&commands, "ana").await, person(&commands, "bob").await, person(&commands, "cleo").await);
    commands.friendship(&bob.ctx, ana.id, FriendshipAct::Request).await.unwrap();
    let (other, refresh) = signed_in(&commands, "ana", OLD).await;
    let room = group(&commands, &bob, &[&ana]).await;
    let before = store.head().await.unwrap().position;
    commands.deactivate(&ana.ctx, None).await.unwrap();
    assert_eq!(types(&store, before).await, ["session.ended", "session.ended", "account.deactivated"]);
    for session in [&ana, &other] {
        assert!(!lives(&commands, session).await);
        assert_eq!(refusal(commands.deactivate(&session.ctx, None).await), "InvalidToken");
    }
    assert_eq!(refusal(commands.refresh(&anonymous(), &refresh).await), "InvalidToken");
    let approach = async |act| refusal(commands.friendship(&cleo.ctx, ana.id, act).await);
    assert_eq!(approach(FriendshipAct::Request).await, "not_found");
    assert_eq!(refusal(commands.create_conversation(&cleo.ctx, direct_with(&ana)).await), "not_found");
    assert_eq!(refusal(commands.create_conversation(&cleo.ctx, group_of(&[&ana])).await), "not_found");
    settle(&store, &commands, 1).await;
    assert!(commands.conversation(room).await.unwrap().state.member(ana.id).is_some(), "they stay where they are");
    // Their relation can be ended meanwhile.
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

each_engine!(an_erased_person_leaves_everything, |home| async move {
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
    // Twice, for the consequences of consequences.
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

each_engine!(a_member_who_can_act_leads, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let root = admin(&commands).await;
    for how in ["leave", "erase", "deactivate", "block"] {
        let [ana, bob, cleo, dan] = [
            person(&commands, &format!("ana{how}")).await,
            person(&commands, &format!("bob{how}")).await,
            person(&commands, &format!("cleo{how}")).await,
            person(&commands, &format!("dan{how}")).await,
        ];
        let us = group(&commands, &ana, &[&bob]).await;
        for later in [&cleo, &dan] {
            commands.add(&ana.ctx, us, later.id).await.unwrap();
        }
        commands.deactivate(&bob.ctx, None).await.unwrap();
        match how {
            "leave" => drop(commands.leave(&ana.ctx, us).await.unwrap()),
            "erase" => drop(commands.erase(&ana.ctx, None).await.unwrap()),
            "deactivate" => drop(commands.deactivate(&ana.ctx, None).await.unwrap()),
            _ => drop(commands.block_account(&root.ctx, ana.id, true).await.unwrap()),
        }
        settle(&store, &commands, 1).await;
        let state = commands.conversation(us).await.unwrap().state;
        assert!(state.is_lead(cleo.id) && !state.is_lead(bob.id) && !state.is_lead(dan.id), "{how}");
        // And again, when the heir cannot.
        commands.deactivate(&cleo.ctx, None).await.unwrap();
        settle(&store, &commands, 1).await;
        assert!(commands.conversation(us).await.unwrap().state.is_lead(dan.id), "{how}");
        // No member can act; then one can again.
        commands.block_account(&root.ctx, dan.id, true).await.unwrap();
        settle(&store, &commands, 1).await;
        commands.sign_in(&anonymous(), sign_in(&format!("bob{how}"), "correct horse")).await.unwrap();
        settle(&store, &commands, 1).await;
        assert!(commands.conversation(us).await.unwrap().state.is_lead(bob.id), "{how}");
    }
});
