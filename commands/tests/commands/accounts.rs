//! Registration, profiles, and blocked accounts.

use crate::support::*;
use commands::Register;
use domain::{
    UserId,
    text::DisplayName,
    user::{ProfileChange, Role},
};
use event_store::{Selection, StreamId};
use testkit::each_engine;

each_engine!(registering_opens_an_account_and_a_session, |home| async move {
    let store = open(&home).await;
    let commands = commands::Commands::new(store.clone(), settings());
    let ana = commands.register(&anonymous(), registration("ana")).await.unwrap();
    assert!(ana.user.exists());
    assert_eq!(ana.user.profile().unwrap().first_name.as_str(), "ana");
    assert!(commands.session_is_live(ana.session, ana.user_id).await.unwrap());
    let events = store.read_after(0, &Selection::All, 10).await.unwrap();
    let types: Vec<_> = events.iter().map(|event| event.record.event_type.as_str()).collect();
    assert_eq!(types, ["account.registered", "session.started"]);
    assert_eq!(ana.receipt.stream, Some(StreamId::new(domain::AggregateType::Session, ana.session)));
    let stored = format!("{events:?}");
    assert!(!events.iter().any(|event| event.record.payload.contains("ana@")), "sealed: {stored}");
});

each_engine!(an_address_is_taken_once_whatever_its_case, |home| async move {
    let commands = server(&home).await;
    person(&commands, "ana").await;
    let mut again = registration("ana");
    again.profile.email = domain::text::EmailAddress::parse("ANA@Example.org").unwrap();
    assert_eq!(refusal(commands.register(&anonymous(), again).await), "taken:email");
});

each_engine!(of_two_registrations_of_one_address_at_once_one_wins, |home| async move {
    let store = open(&home).await;
    // Two nodes, so that neither knows of the other before the append.
    let nodes = [0, 1].map(|_| commands::Commands::new(store.clone(), settings()));
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
