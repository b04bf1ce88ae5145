//! Signing in and out, and the rotation of refresh tokens.

use crate::support::*;
use commands::{CommandError, CommandSettings, Commands, SignIn, SignedIn};
use domain::{session::Device, user::ProfileChange};
use testkit::each_engine;

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

each_engine!(guessing_is_slowed_down_alike_for_who_exists_and_who_does_not, |home| async move {
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
