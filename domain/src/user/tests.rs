//! Given/when/then for each branch of each command.

use super::*;
use crate::{
    Personal, Refusal, RefusalKind,
    testing::{ANA, given, state},
    text::{DisplayName, EmailAddress, Link, PhoneNumber},
};

fn name(text: &str) -> DisplayName {
    DisplayName::parse(text).unwrap()
}

fn profile() -> Profile {
    Profile {
        first_name: name("Ana"),
        last_name: name("Alves"),
        email: EmailAddress::parse("ana@example.org").unwrap(),
        phone: Some(PhoneNumber::parse("123 45").unwrap()),
        avatar_url: None,
        preferences: Preferences::default(),
    }
}

fn registered() -> UserEvent {
    UserEvent::Registered { role: Role::User, profile: Personal::new(ANA, profile()) }
}

fn register() -> UserCommand {
    UserCommand::Register { user: ANA, role: Role::User, profile: profile() }
}

fn update(change: ProfileChange) -> UserCommand {
    UserCommand::Update { user: ANA, change }
}

fn updated(changed: ProfileChanged) -> UserEvent {
    UserEvent::Updated { changed: Personal::new(ANA, changed) }
}

#[test]
fn an_account_is_registered_once() {
    given::<User>([]).when(register()).then_expect_events(vec![registered()]);
    given::<User>([registered()]).when(register()).then_expect_error(UserError::AlreadyRegistered);
}

#[test]
fn an_update_contains_only_the_changed_fields() {
    let url = Link::parse("/files/me").unwrap();
    let change = ProfileChange {
        first_name: Some(name("Anna")),
        last_name: Some(name("Alves")),
        avatar_url: Some(Some(url.clone())),
        phone: Some(None),
        preferences: None,
    };
    let changed = ProfileChanged {
        first_name: Some(name("Anna")),
        avatar_url: Some(Some(url.clone())),
        phone: Some(None),
        ..ProfileChanged::default()
    };
    given::<User>([registered()]).when(update(change.clone())).then_expect_events(vec![updated(changed.clone())]);
    given::<User>([registered(), updated(changed.clone())]).when(update(change)).then_expect_events(vec![]);
    let user = state::<User>([registered(), updated(changed)]);
    let now = user.profile().unwrap();
    assert_eq!((now.first_name.as_str(), now.last_name.as_str()), ("Anna", "Alves"));
    assert_eq!((&now.phone, &now.avatar_url), (&None, &Some(url)));
}

#[test]
fn preferences_are_replaced_whole() {
    let preferences = |json: &str| Preferences(serde_json::from_str(json).unwrap());
    let to = |json| ProfileChange { preferences: Some(preferences(json)), ..ProfileChange::default() };
    let changed = |json| updated(ProfileChanged { preferences: Some(preferences(json)), ..ProfileChanged::default() });
    let dark = changed(r#"{"theme":"dark"}"#);
    given::<User>([registered()]).when(update(to(r#"{"theme":"dark"}"#))).then_expect_events(vec![dark.clone()]);
    given::<User>([registered(), dark]).when(update(to("{}"))).then_expect_events(vec![changed("{}")]);
}

#[test]
fn nothing_is_updated_without_an_account_or_a_profile() {
    let change = ProfileChange { first_name: Some(name("Anna")), ..ProfileChange::default() };
    given::<User>([]).when(update(change.clone())).then_expect_error(UserError::NotFound);
    given::<User>([registered(), UserEvent::Blocked])
        .when(update(change.clone()))
        .then_expect_error(UserError::Blocked);
    let forgotten = UserEvent::Registered { role: Role::User, profile: Personal::forgotten(ANA) };
    given::<User>([forgotten.clone()]).when(update(change)).then_expect_events(vec![]);
    let lost = UserEvent::Updated { changed: Personal::forgotten(ANA) };
    assert_eq!(state::<User>([registered(), lost.clone()]).profile(), state::<User>([registered()]).profile());
    assert!(state::<User>([forgotten, lost]).profile().is_none());
}

#[test]
fn an_account_is_blocked_and_unblocked() {
    let (block, unblock) = (UserCommand::Block, UserCommand::Unblock);
    let (blocked, unblocked) = (UserEvent::Blocked, UserEvent::Unblocked);
    given::<User>([]).when(block.clone()).then_expect_error(UserError::NotFound);
    given::<User>([]).when(unblock.clone()).then_expect_error(UserError::NotFound);
    given::<User>([registered()]).when(block.clone()).then_expect_events(vec![blocked.clone()]);
    given::<User>([registered()]).when(unblock.clone()).then_expect_events(vec![]);
    given::<User>([registered(), blocked.clone()]).when(block).then_expect_events(vec![]);
    given::<User>([registered(), blocked.clone()]).when(unblock).then_expect_events(vec![unblocked.clone()]);
    assert_eq!(state::<User>([]).may_act(), Err(UserError::NotFound));
    assert_eq!(state::<User>([registered(), blocked.clone()]).may_act(), Err(UserError::Blocked));
    assert_eq!(state::<User>([registered(), blocked, unblocked]).may_act(), Ok(()));
}

#[test]
fn a_password_change_needs_an_active_account() {
    let change = UserCommand::ChangePassword { kept: None };
    let changed = UserEvent::PasswordChanged { kept: None };
    given::<User>([registered()]).when(change.clone()).then_expect_events(vec![changed.clone()]);
    given::<User>([registered(), UserEvent::Blocked]).when(change.clone()).then_expect_error(UserError::Blocked);
    given::<User>([]).when(change).then_expect_error(UserError::NotFound);
    assert_eq!(state::<User>([registered()]).password_changes(), 0);
    assert_eq!(state::<User>([registered(), changed.clone(), changed]).password_changes(), 2);
}

#[test]
fn a_deactivated_account_is_hidden_until_its_owner_is_back() {
    let (deactivate, reactivate) = (UserCommand::Deactivate, UserCommand::Reactivate);
    let hidden = [registered(), UserEvent::Deactivated];
    let back = [registered(), UserEvent::Deactivated, UserEvent::Reactivated];
    given::<User>([]).when(deactivate.clone()).then_expect_error(UserError::NotFound);
    given::<User>([]).when(reactivate.clone()).then_expect_error(UserError::NotFound);
    given::<User>([registered()]).when(deactivate.clone()).then_expect_events(vec![UserEvent::Deactivated]);
    given::<User>(hidden.clone()).when(deactivate.clone()).then_expect_error(UserError::Deactivated);
    given::<User>(back.clone()).when(deactivate).then_expect_events(vec![UserEvent::Deactivated]);
    given::<User>(hidden.clone()).when(reactivate.clone()).then_expect_events(vec![UserEvent::Reactivated]);
    given::<User>(back.clone()).when(reactivate.clone()).then_expect_events(vec![]);
    given::<User>([registered(), UserEvent::Deactivated, UserEvent::Blocked])
        .when(reactivate)
        .then_expect_error(UserError::Blocked);
    let user = state::<User>(hidden);
    assert_eq!(user.may_act(), Err(UserError::Deactivated));
    assert!(user.exists() && user.is_deactivated() && !user.is_reachable() && user.profile().is_some());
    assert!(state::<User>(back).is_reachable());
}

#[test]
fn an_erased_account_is_none() {
    let erased = [registered(), UserEvent::Erased];
    given::<User>([]).when(UserCommand::Erase).then_expect_error(UserError::NotFound);
    for before in [vec![registered()], vec![registered(), UserEvent::Deactivated]] {
        given::<User>(before).when(UserCommand::Erase).then_expect_events(vec![UserEvent::Erased]);
    }
    given::<User>(erased.clone()).when(UserCommand::Erase).then_expect_events(vec![]);
    for command in [UserCommand::Block, UserCommand::Unblock, UserCommand::Reactivate, UserCommand::Deactivate] {
        given::<User>(erased.clone()).when(command).then_expect_error(UserError::NotFound);
    }
    given::<User>(erased.clone()).when(register()).then_expect_error(UserError::AlreadyRegistered);
    let user = state::<User>(erased);
    assert_eq!(user.may_act(), Err(UserError::NotFound));
    assert!(user.is_erased() && !user.exists() && !user.is_reachable() && user.profile().is_none());
}

#[test]
fn a_role_is_given_and_taken() {
    let set = |role| UserCommand::SetRole { role };
    let changed = |role| UserEvent::RoleChanged { role };
    given::<User>([]).when(set(Role::Admin)).then_expect_error(UserError::NotFound);
    given::<User>([registered()]).when(set(Role::User)).then_expect_events(vec![]);
    given::<User>([registered()]).when(set(Role::Moderator)).then_expect_events(vec![changed(Role::Moderator)]);
    given::<User>([registered(), changed(Role::Admin)])
        .when(set(Role::User))
        .then_expect_events(vec![changed(Role::User)]);
    assert_eq!(state::<User>([registered(), changed(Role::Moderator)]).role(), Role::Moderator);
    assert!(Role::User < Role::Moderator && Role::Moderator < Role::Admin);
}

#[test]
fn each_refusal_has_its_word() {
    for (refusal, code, kind) in [
        (UserError::AlreadyRegistered, "already_registered", RefusalKind::Conflict),
        (UserError::NotFound, "not_found", RefusalKind::NotFound),
        (UserError::TooManyChanges, "too_many_changes", RefusalKind::Conflict),
        (UserError::Blocked, "account_blocked", RefusalKind::Forbidden),
        (UserError::Deactivated, "account_deactivated", RefusalKind::Forbidden),
    ] {
        assert_eq!((refusal.code(), refusal.kind(), refusal.field()), (code, kind, None));
    }
}

#[test]
fn a_profile_is_changed_only_so_often() {
    let named = |text| ProfileChanged { first_name: Some(name(text)), ..ProfileChanged::default() };
    let changes = (0..MAX_PROFILE_CHANGES).map(|n| updated(named(if n % 2 == 0 { "Ann" } else { "Anna" })));
    let before: Vec<_> = [registered()].into_iter().chain(changes).collect();
    let change = |text| update(ProfileChange { first_name: Some(name(text)), ..ProfileChange::default() });
    given::<User>(before.clone()).when(change("Ana")).then_expect_error(UserError::TooManyChanges);
    given::<User>(before).when(change("Anna")).then_expect_events(vec![]);
}

#[test]
fn signing_out_everywhere_keeps_later_sessions_and_the_asking_one() {
    let session = |n| crate::SessionId(uuid::Uuid::from_u128(n));
    let changed = |kept| UserEvent::PasswordChanged { kept };
    let user = state::<User>([registered(), changed(Some(session(1))), changed(Some(session(2)))]);
    assert_eq!(user.sign_outs(), 2);
    assert!(user.keeps(session(2), Some(0)) && user.keeps(session(3), Some(2)), "left, and begun since");
    assert!(!user.keeps(session(1), Some(0)) && !user.keeps(session(4), Some(1)));
    assert!(user.keeps(session(5), None), "of one from before it is not known");
    let user = state::<User>([registered(), changed(Some(session(2))), UserEvent::Deactivated, UserEvent::Reactivated]);
    assert!(!user.keeps(session(2), Some(0)) && user.keeps(session(3), Some(2)));
    assert!(!state::<User>([registered(), UserEvent::Erased]).keeps(session(1), None));
}
