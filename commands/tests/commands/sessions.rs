//! Signing in and out, and the rotation of refresh tokens.

use commands::{CommandError, CommandSettings, Commands, MAX_SESSIONS, Password, SignIn, SignedIn};
use commands_testkit::*;
use domain::{
    AggregateType, Personal, SessionId, Tier, Timestamp, UserId,
    session::{Device, EndReason, SessionEvent},
    user::ProfileChange,
};
use event_store::{Append, CommandKey, EventStore, NewEvent, Origin, Retention, Secret, Selection, StreamId};
use testkit::each_engine;
use uuid::Uuid;

fn is_invalid(result: Result<SignedIn, CommandError>) -> bool {
    matches!(result, Err(CommandError::InvalidToken))
}

each_engine!(signing_in_needs_address_and_password, |home| async move {
    let commands = server(&home).await;
    let ana = person(&commands, "ana").await;
    let again = commands.sign_in(&anonymous(), sign_in("ana", "correct horse")).await.unwrap();
    assert_eq!(again.user_id, ana.id);
    assert_ne!(again.session, ana.session);
    for (name, claimed) in [("ana", "wrong horse"), ("ana", ""), ("nobody", "correct horse")] {
        let refused = commands.sign_in(&anonymous(), sign_in(name, claimed)).await;
        assert!(matches!(refused, Err(CommandError::WrongCredentials)), "{name} {claimed}");
    }
});

each_engine!(a_session_that_is_over_does_nothing, |home| async move {
    let commands = server(&home).await;
    let phone = person(&commands, "ana").await;
    let laptop = Person::of(&commands.sign_in(&anonymous(), sign_in("ana", "correct horse")).await.unwrap());
    let bob = person(&commands, "bob").await;
    assert_eq!(refusal(commands.end_session(&bob.ctx, phone.session).await), "not_found");
    commands.end_session(&laptop.ctx, phone.session).await.unwrap();
    assert!(!commands.session_is_live(phone.session, phone.id).await.unwrap());
    let change = ProfileChange::default();
    assert_eq!(refusal(commands.update_profile(&phone.ctx, change.clone()).await), "InvalidToken");
    commands.sign_out(&laptop.ctx).await.unwrap();
    assert_eq!(commands.sign_out(&laptop.ctx).await.unwrap().receipt.position, None);
    assert_eq!(refusal(commands.update_profile(&laptop.ctx, change).await), "InvalidToken");
});

each_engine!(a_refresh_token_is_replaced_by_the_next, |home| async move {
    let commands = server(&home).await;
    let first = commands.register(&anonymous(), registration("ana")).await.unwrap();
    let second = commands.refresh(&anonymous(), &first.refresh_token).await.unwrap();
    assert_eq!((second.session, second.user_id), (first.session, first.user_id));
    assert_ne!(second.refresh_token, first.refresh_token);
    let third = commands.refresh(&anonymous(), &second.refresh_token).await.unwrap();
    assert_ne!(third.refresh_token, second.refresh_token);
    assert!(is_invalid(commands.refresh(&anonymous(), "no such token").await));
});

each_engine!(within_the_grace_a_lost_answer_costs_nothing, |home| async move {
    let commands = server(&home).await;
    let first = commands.register(&anonymous(), registration("ana")).await.unwrap();
    let lost = commands.refresh(&anonymous(), &first.refresh_token).await.unwrap();
    let again = commands.refresh(&anonymous(), &first.refresh_token).await.unwrap();
    assert_ne!(again.refresh_token, lost.refresh_token);
    assert!(commands.session_is_live(first.session, first.user_id).await.unwrap());
    commands.refresh(&anonymous(), &again.refresh_token).await.unwrap();
});

each_engine!(refreshing_twice_at_once_gives_two_answers, |home| async move {
    let commands = server(&home).await;
    let first = commands.register(&anonymous(), registration("ana")).await.unwrap();
    let (one, two) = (anonymous(), anonymous());
    let (one, two) =
        tokio::join!(commands.refresh(&one, &first.refresh_token), commands.refresh(&two, &first.refresh_token));
    assert_ne!(one.unwrap().refresh_token, two.unwrap().refresh_token);
});

each_engine!(after_the_grace_an_old_token_ends_the_session, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store, CommandSettings { refresh_grace_ms: -1, ..settings() });
    let first = commands.register(&anonymous(), registration("ana")).await.unwrap();
    let second = commands.refresh(&anonymous(), &first.refresh_token).await.unwrap();
    assert!(is_invalid(commands.refresh(&anonymous(), &first.refresh_token).await));
    assert!(!commands.session_is_live(first.session, first.user_id).await.unwrap());
    assert!(is_invalid(commands.refresh(&anonymous(), &second.refresh_token).await), "the thief's and the owner's");
});

each_engine!(a_token_expires_and_ends_with_its_session, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), CommandSettings { refresh_ttl_ms: 0, ..settings() });
    let ana = commands.register(&anonymous(), registration("ana")).await.unwrap();
    assert!(is_invalid(commands.refresh(&anonymous(), &ana.refresh_token).await));

    let commands = Commands::new(store, settings());
    let bob = commands.register(&anonymous(), registration("bob")).await.unwrap();
    commands.sign_out(&Person::of(&bob).ctx).await.unwrap();
    assert!(is_invalid(commands.refresh(&anonymous(), &bob.refresh_token).await));
});

each_engine!(a_blocked_account_refreshes_nothing, |home| async move {
    let commands = server(&home).await;
    let root = admin(&commands).await;
    let ana = commands.register(&anonymous(), registration("ana")).await.unwrap();
    commands.block_account(&root.ctx, ana.user_id, true).await.unwrap();
    assert_eq!(refusal(commands.refresh(&anonymous(), &ana.refresh_token).await), "account_blocked");
    commands.sign_out(&Person::of(&ana).ctx).await.unwrap();
});

each_engine!(guessing_is_throttled_alike_for_existing_and_missing_accounts, |home| async move {
    let commands = Commands::new(open(&home).await, CommandSettings { limits: true, ..settings() });
    person(&commands, "ana").await;
    for name in ["ana", "nobody"] {
        for _ in 0..10 {
            let refused = commands.sign_in(&anonymous(), sign_in(name, "wrong horse")).await;
            assert!(matches!(refused, Err(CommandError::WrongCredentials)), "{name}");
        }
        for claimed in ["wrong horse", "correct horse"] {
            let refused = commands.sign_in(&anonymous(), sign_in(name, claimed)).await;
            assert!(matches!(refused, Err(CommandError::TooManyTries { wait_ms: 1.. })), "{name} {claimed}");
        }
    }
    let elsewhere = Device { ip: Some("192.0.2.7".to_owned()), ..Device::default() };
    let owner = SignIn { device: elsewhere, ..sign_in("ana", "correct horse") };
    commands.sign_in(&anonymous(), owner).await.unwrap();
});

/// Starts sessions as a process would that bounds nothing.
async fn start_many(store: &EventStore, user: UserId, count: u128, expires_at: i64) -> Vec<SessionId> {
    let ids: Vec<_> = (1..=count).map(|n| SessionId(Uuid::from_u128(0x5E55_0000 + n))).collect();
    for (n, ids) in ids.chunks(1_000).enumerate() {
        let device = || Personal::new(user, Device::default());
        let event = |id: &SessionId| NewEvent {
            stream: StreamId::new(AggregateType::Session, *id),
            sequence: 1,
            event: SessionEvent::Started { user, device: device(), sign_outs: Some(0) }.into(),
        };
        let token = |id: &SessionId| {
            let mut hash = [0; 32];
            hash[..16].copy_from_slice(id.0.as_bytes());
            Secret::RefreshToken { session: id.0, user: user.0, hash, replaces: None, expires_at }
        };
        let append = Append {
            origin: Origin::default(),
            key: CommandKey { owner: "test".to_owned(), key: format!("sessions {n}") },
            request_hash: [0; 32],
            retention: Retention::Week,
            tier: Tier::Medium,
            guards: Vec::new(),
            claims: Vec::new(),
            secrets: ids.iter().map(token).collect(),
            events: ids.iter().map(event).collect(),
        };
        store.append(append).await.unwrap();
    }
    ids
}

async fn live_of(commands: &Commands, user: UserId, sessions: &[SessionId]) -> usize {
    let mut live = 0;
    for session in sessions {
        live += usize::from(commands.session_is_live(*session, user).await.unwrap());
    }
    live
}

each_engine!(however_many_sessions_there_are_a_new_password_ends_them_in_little, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let ana = person(&commands, "ana").await;
    let many = start_many(&store, ana.id, 3_000, i64::MAX).await;
    let before = store.head().await.unwrap().position;
    let (old, new) = (Password::claimed("correct horse"), password("battery staple"));
    commands.change_password(&ana.ctx, old, new).await.unwrap();
    let appended = store.head().await.unwrap().position - before;
    assert!(appended <= 101, "{appended} events in one append");
    assert_eq!(live_of(&commands, ana.id, &many).await, 0, "all of them are over at once");
    assert!(commands.session_is_live(ana.session, ana.id).await.unwrap());

    let changed = store.head().await.unwrap().position;
    let (kept, reason) = (Some(ana.session), EndReason::PasswordChanged);
    commands.end_orphaned_sessions(&anonymous(), ana.id, kept, changed, reason).await.unwrap();
    let events = store.read_after(before, &Selection::All, 10_000).await.unwrap();
    let ended = events.iter().filter(|event| event.record.event_type == "session.ended").count();
    assert_eq!(ended, many.len(), "each by an event of its own in the end");
    assert!(commands.session_is_live(ana.session, ana.id).await.unwrap());
});

each_engine!(a_password_set_by_the_operator_ends_every_session, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let ana = person(&commands, "ana").await;
    let (other, refresh_token) = signed_in(&commands, "ana", "correct horse").await;
    let before = store.head().await.unwrap().position;
    commands.set_password(&anonymous(), &email("ana"), password("battery staple")).await.unwrap();
    assert!(!lives(&commands, &ana).await && !lives(&commands, &other).await);
    assert!(is_invalid(commands.refresh(&anonymous(), &refresh_token).await));
    let old = commands.sign_in(&anonymous(), sign_in("ana", "correct horse")).await;
    assert!(matches!(old, Err(CommandError::WrongCredentials)));
    commands.sign_in(&anonymous(), sign_in("ana", "battery staple")).await.unwrap();
    let events = store.read_after(before, &Selection::All, 10).await.unwrap();
    let types: Vec<_> = events.iter().map(|event| event.record.event_type.as_str()).collect();
    assert_eq!(types[..3], ["session.ended", "session.ended", "account.password_changed"]);

    let unknown = commands.set_password(&anonymous(), &email("nobody"), password("battery staple")).await;
    assert_eq!(refusal(unknown), "not_found");
    let weak = commands.set_password(&anonymous(), &email("ana"), password("ana@example.org")).await;
    assert!(refusal(weak).starts_with("password:"));
});

each_engine!(an_account_has_so_many_sessions_at_a_time, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let ana = person(&commands, "ana").await;
    let many = start_many(&store, ana.id, u128::from(MAX_SESSIONS) + 20, 1).await;
    let again = commands.sign_in(&anonymous(), sign_in("ana", "correct horse")).await.unwrap();
    assert_eq!(live_of(&commands, ana.id, &many).await, MAX_SESSIONS as usize - 2);
    assert!(commands.session_is_live(again.session, ana.id).await.unwrap());
    assert!(commands.session_is_live(ana.session, ana.id).await.unwrap(), "it was renewed later than those");
});

each_engine!(a_session_ends_when_its_refresh_token_has_expired, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let ana = person(&commands, "ana").await;
    let many = start_many(&store, ana.id, 250, 1).await;
    let renewed = commands.sign_in(&anonymous(), sign_in("ana", "correct horse")).await.unwrap();
    let renewed = commands.refresh(&anonymous(), &renewed.refresh_token).await.unwrap();
    assert!(commands.end_expired_sessions().await.unwrap() > 0);
    assert_eq!(live_of(&commands, ana.id, &many).await, 0);
    for session in [ana.session, renewed.session] {
        assert!(commands.session_is_live(session, ana.id).await.unwrap());
    }
    assert_eq!(commands.end_expired_sessions().await.unwrap(), 0);

    let later = CommandSettings { clock: || Timestamp::from_millis(clock().millis() + 2_000_000), ..settings() };
    let expired = Commands::new(store.clone(), later).refresh(&anonymous(), &renewed.refresh_token).await;
    assert!(is_invalid(expired));
});
