//! Registration, profiles, and blocked accounts.

use argon2::{Argon2, Params, PasswordHasher as _, password_hash::SaltString};
use commands::{AccountChange, Commands, Password, Register, SignIn, SignedIn};
use commands_testkit::*;
use domain::{
    AggregateType, UserId,
    session::Device,
    text::{DisplayName, EmailAddress},
    user::{ProfileChange, Role, UserEvent},
};
use event_store::{
    Append, Claim, ClaimChange, ClaimKind, CommandKey, EventStore, NewEvent, Origin, Retention, Secret, Selection,
    StreamId,
};
use futures_util::future::join_all;
use testkit::{Home, each_engine};

each_engine!(registering_opens_an_account_and_a_session, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let ana = commands.register(&anonymous(), registration("ana")).await.unwrap();
    assert!(ana.user.exists());
    assert_eq!(ana.user.profile().unwrap().first_name.as_str(), "ana");
    assert!(commands.session_is_live(ana.session, ana.user_id).await.unwrap());
    let events = store.read_after(0, &Selection::All, 10).await.unwrap();
    let types: Vec<_> = events.iter().map(|event| event.record.event_type.as_str()).collect();
    assert_eq!(types, ["account.registered", "session.started"]);
    assert_eq!(ana.receipt.stream, Some(StreamId::new(AggregateType::Session, ana.session)));
    let stored = format!("{events:?}");
    assert!(!events.iter().any(|event| event.record.payload.contains("ana@")), "sealed: {stored}");
});

each_engine!(an_address_is_taken_once_whatever_its_case, |home| async move {
    let commands = server(&home).await;
    person(&commands, "ana").await;
    let mut again = registration("ana");
    again.profile.email = EmailAddress::parse("ANA@Example.org").unwrap();
    assert_eq!(refusal(commands.register(&anonymous(), again).await), "taken:email");
});

/// Restores an account of earlier rules: addresses unique in lower case, passwords hashed as typed.
async fn as_before(store: &EventStore, ana: &SignedIn, email: &EmailAddress, password: &str) {
    let stream = StreamId::new(AggregateType::User, ana.user_id);
    let sequence = store.load(stream, 0).await.unwrap().len() as u64 + 1;
    let claim = |form: &str, change| {
        let hash = store.claim_hash(ClaimKind::Email, form);
        Claim { kind: ClaimKind::Email, hash, change, owner: ana.user_id.0 }
    };
    let former = email.as_str().to_lowercase();
    let others = email.forms().into_iter().filter(|form| *form != former);
    let argon2 = Argon2::from(Params::new(8, 1, 1, None).unwrap());
    let salt = SaltString::encode_b64(&[1; 16]).unwrap();
    let phc = argon2.hash_password(password.as_bytes(), &salt).unwrap().to_string();
    let event = UserEvent::PasswordChanged { kept: Some(ana.session) };
    let append = Append {
        origin: Origin::default(),
        key: CommandKey { owner: "test".to_owned(), key: ids().to_string() },
        request_hash: [0; 32],
        retention: Retention::Week,
        tier: domain::Tier::High,
        guards: Vec::new(),
        claims: others.map(|form| claim(&form, ClaimChange::Release)).collect(),
        secrets: vec![Secret::Password { user: ana.user_id.0, phc }],
        events: vec![NewEvent { stream, sequence, event: event.into() }],
    };
    store.append(append).await.unwrap();
}

fn with_address(email: &EmailAddress) -> Register {
    let mut register = registration("somebody");
    register.profile.email = email.clone();
    register
}

async fn signs_in(commands: &Commands, email: &str, password: &str) -> Option<UserId> {
    let (email, password) = (EmailAddress::claimed(email).unwrap(), Password::claimed(password));
    let signed_in = commands.sign_in(&anonymous(), SignIn { email, password, device: Device::default() }).await;
    signed_in.ok().map(|signed_in| signed_in.user_id)
}

each_engine!(an_account_of_earlier_rules_still_signs_in, |home| async move {
    let store = open(&home).await;
    let typed = "contrasen\u{303}a larga";
    for (before, twin) in [
        ("n\u{303}ame@x.example", "\u{f1}ame@x.example"),
        ("zero\u{200b}width@x.example", "zerowidth@x.example"),
        ("a@b\u{fc}cher.example", "a@xn--bcher-kva.example"),
        ("\u{ff46}ull@x.example", "full@x.example"),
    ] {
        let commands = Commands::new(store.clone(), settings());
        let address = EmailAddress::stored(before);
        let ana = commands.register(&anonymous(), with_address(&address)).await.unwrap();
        as_before(&store, &ana, &address, typed).await;
        // A process that remembers nothing.
        let commands = Commands::new(store.clone(), settings());
        assert_eq!(
            signs_in(&commands, before, "contrase\u{f1}a larga").await,
            None,
            "{before}: hashed as it was typed"
        );
        assert_eq!(signs_in(&commands, before, typed).await, Some(ana.user_id), "{before}");
        // From then on both are as today.
        assert_eq!(signs_in(&commands, before, "contrase\u{f1}a larga").await, Some(ana.user_id), "{before}");
        assert_eq!(signs_in(&commands, twin, typed).await, Some(ana.user_id), "{twin}");
        let taken = commands.register(&anonymous(), with_address(&EmailAddress::parse(twin).unwrap())).await;
        assert_eq!(refusal(taken), "taken:email", "{twin}");
        let ana = Person::of(&ana);
        commands.erase(&ana.ctx, None).await.unwrap();
        assert!(commands.register(&anonymous(), with_address(&address)).await.is_ok(), "{before} is free again");
    }
});

each_engine!(an_address_of_earlier_rules_stays_taken, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let address = EmailAddress::stored("n\u{303}ame@b\u{fc}cher.example");
    let ana = commands.register(&anonymous(), with_address(&address)).await.unwrap();
    as_before(&store, &ana, &address, "correct horse").await;
    for twin in ["\u{f1}ame@b\u{fc}cher.example", "n\u{303}ame@B\u{fc}cher.example", "\u{d1}AME@xn--bcher-kva.example"]
    {
        let taken = commands.register(&anonymous(), with_address(&EmailAddress::parse(twin).unwrap())).await;
        assert_eq!(refusal(taken), "taken:email", "{twin}");
        assert_eq!(signs_in(&commands, twin, "correct horse").await, Some(ana.user_id), "{twin}");
    }
});

each_engine!(a_password_is_not_made_of_its_owners_names, |home| async move {
    let commands = server(&home).await;
    for (own, code) in [("ana@example.org", "own_words"), ("ana-1234", "own_words"), ("password1", "too_common")] {
        let register = Register { password: password(own), ..registration("ana") };
        assert_eq!(refusal(commands.register(&anonymous(), register).await), format!("password:{code}"), "{own}");
    }
    let ana = person(&commands, "ana").await;
    let change = commands.change_password(&ana.ctx, Password::claimed("correct horse"), password("example.org")).await;
    assert_eq!(refusal(change), "new:own_words");
});

each_engine!(of_two_registrations_of_one_address_at_once_one_wins, |home| async move {
    let store = open(&home).await;
    // Two nodes, so that neither knows of the other before the append.
    let nodes = [0, 1].map(|_| Commands::new(store.clone(), settings()));
    let (one, two) = (anonymous(), anonymous());
    let (one, two) = tokio::join!(
        nodes[0].register(&one, registration("ana")),
        nodes[1].register(&two, Register { password: password("another one"), ..registration("ana") })
    );
    assert!(one.is_ok() != two.is_ok());
    assert_eq!(refusal(if one.is_ok() { two } else { one }), "taken:email");
});

each_engine!(the_bootstrap_token_makes_one_administrator, |home| async move {
    let commands = server(&home).await;
    let bootstrap = |name| Register { role: Role::Admin, bootstrap: true, ..registration(name) };
    let first = commands.register(&anonymous(), bootstrap("ana")).await.unwrap();
    assert_eq!(first.user.role(), Role::Admin);
    assert_eq!(refusal(commands.register(&anonymous(), bootstrap("bob")).await), "taken:bootstrap");
    // The refused registration took nothing: the address is still free.
    person(&commands, "bob").await;
});

fn by_token(name: &str) -> Register {
    Register { role: Role::Admin, bootstrap: true, ..registration(name) }
}

each_engine!(the_bootstrap_token_is_void_once_an_administrator_was_made_without_it, |home| async move {
    let commands = server(&home).await;
    person(&commands, "ana").await;
    let another = server(&home).await;
    admin(&another).await;
    assert_eq!(refusal(commands.register(&anonymous(), by_token("eve")).await), "taken:bootstrap");
    let after_a_restart = server(&home).await;
    assert_eq!(refusal(after_a_restart.register(&anonymous(), by_token("eve")).await), "taken:bootstrap");
    // The operator makes as many as they like.
    let second = Register { role: Role::Admin, ..registration("second") };
    assert_eq!(after_a_restart.register(&anonymous(), second).await.unwrap().user.role(), Role::Admin);
});

each_engine!(whatever_makes_administrators_at_once_the_token_makes_at_most_one_of_them, |home| async move {
    let processes = [server(&home).await, server(&home).await];
    let register = |n: usize, request: Register| {
        let commands = processes[n % 2].clone();
        async move { commands.register(&anonymous(), request).await }
    };
    let by_operator = (0..4).map(|n| register(n, Register { bootstrap: false, ..by_token(&format!("operator{n}")) }));
    let by_token = (0..4).map(|n| register(n, by_token(&format!("stranger{n}"))));
    let (by_operator, by_token) = tokio::join!(join_all(by_operator), join_all(by_token));
    assert!(by_operator.iter().all(Result::is_ok));
    let refused: Vec<_> = by_token.into_iter().filter(Result::is_err).map(refusal).collect();
    assert!(refused.len() >= 3 && refused.iter().all(|why| why == "taken:bootstrap"), "{refused:?}");
});

each_engine!(a_change_of_role_voids_the_bootstrap_token, |home| async move {
    let commands = server(&home).await;
    let (root, ana) = (admin(&commands).await, person(&commands, "ana").await);
    // The administrator of a process of an earlier build, beside which this one runs.
    forget_bootstrap(&home, false).await;
    let change = AccountChange { role: Some(Role::Admin), is_blocked: None };
    assert_eq!(commands.change_account(&root.ctx, ana.id, change).await.unwrap().state.role(), Role::Admin);
    assert_eq!(refusal(commands.register(&anonymous(), by_token("eve")).await), "taken:bootstrap");
});

each_engine!(the_bootstrap_token_of_a_log_that_has_an_administrator_is_void_from_its_migration_on, |home| async move {
    admin(&server(&home).await).await;
    forget_bootstrap(&home, true).await;
    let commands = server(&home).await;
    assert_eq!(refusal(commands.register(&anonymous(), by_token("eve")).await), "taken:bootstrap");
});

each_engine!(the_bootstrap_token_of_a_log_without_an_administrator_outlives_its_migration, |home| async move {
    person(&server(&home).await, "ana").await;
    forget_bootstrap(&home, true).await;
    let commands = server(&home).await;
    assert_eq!(commands.register(&anonymous(), by_token("root")).await.unwrap().user.role(), Role::Admin);
});

/// Restores the log of a build that did not claim the bootstrap token; `unmigrated`: also before its migration.
async fn forget_bootstrap(home: &Home, unmigrated: bool) {
    let database = sql::Database::connect(&home.log(), 1).await.unwrap();
    let mut forget = vec!["DELETE FROM claims WHERE kind = 'bootstrap'"];
    if unmigrated {
        forget.push("DELETE FROM _sqlx_migrations WHERE version = 31");
    }
    for sql in forget {
        database.execute(sql::query(sql)).await.unwrap();
    }
    database.close().await;
}

each_engine!(a_profile_changes_by_its_owner, |home| async move {
    let commands = server(&home).await;
    let ana = person(&commands, "ana").await;
    let change = ProfileChange { first_name: Some(DisplayName::parse("Anna").unwrap()), ..ProfileChange::default() };
    let done = commands.update_profile(&ana.ctx, change.clone()).await.unwrap();
    assert_eq!(done.receipt.version, 2);
    assert_eq!(done.state.profile().unwrap().first_name.as_str(), "Anna");
    assert_eq!(commands.user(ana.id).await.unwrap().version, 2);
    let unchanged = commands.update_profile(&ana.ctx, change.clone()).await.unwrap();
    assert_eq!(unchanged.receipt.position, None);
    assert_eq!(refusal(commands.update_profile(&anonymous(), change).await), "InvalidToken");
});

each_engine!(a_blocked_account_does_nothing_until_it_is_unblocked, |home| async move {
    let commands = server(&home).await;
    let (root, ana) = (admin(&commands).await, person(&commands, "ana").await);
    assert_eq!(refusal(commands.block_account(&ana.ctx, root.id, true).await), "admin_only");
    assert_eq!(refusal(commands.block_account(&root.ctx, root.id, true).await), "not_oneself");
    assert_eq!(refusal(commands.block_account(&root.ctx, UserId(ids()), true).await), "not_found");
    commands.block_account(&root.ctx, ana.id, true).await.unwrap();
    let group = group_of(&[&root]);
    assert_eq!(refusal(commands.create_conversation(&ana.ctx, group.clone()).await), "account_blocked");
    assert_eq!(refusal(commands.sign_in(&anonymous(), sign_in("ana", "correct horse")).await), "account_blocked");
    commands.block_account(&root.ctx, ana.id, false).await.unwrap();
    commands.create_conversation(&ana.ctx, group).await.unwrap();
});
