//! Given/when/then for each branch of each command.

use super::*;
use crate::{
    Personal, Refusal, RefusalKind,
    testing::{ANA, BOB, given, state},
    text::DeviceName,
};

fn device() -> Device {
    Device { name: DeviceName::parse("Telephone").ok(), ip: Some("192.0.2.1".to_owned()) }
}

fn start() -> SessionCommand {
    SessionCommand::Start { user: ANA, device: device(), sign_outs: 2 }
}

fn started() -> SessionEvent {
    SessionEvent::Started { user: ANA, device: Personal::new(ANA, device()), sign_outs: Some(2) }
}

fn ended(reason: EndReason) -> SessionEvent {
    SessionEvent::Ended { user: ANA, reason }
}

#[test]
fn a_session_starts_once() {
    given::<Session>([]).when(start()).then_expect_events(vec![started()]);
    given::<Session>([started()]).when(start()).then_expect_error(SessionError::AlreadyStarted);
    given::<Session>([started(), ended(EndReason::Logout)])
        .when(start())
        .then_expect_error(SessionError::AlreadyStarted);
}

#[test]
fn its_owner_ends_it_once() {
    use EndReason::{Deactivated, Erased, Expired, Logout, PasswordChanged, Revoked, Superseded, TokenReuse};
    for reason in [Logout, Revoked, TokenReuse, PasswordChanged, Deactivated, Erased, Expired, Superseded] {
        let end = SessionCommand::End { user: ANA, reason };
        given::<Session>([started()]).when(end.clone()).then_expect_events(vec![ended(reason)]);
        given::<Session>([started(), ended(Logout)]).when(end.clone()).then_expect_events(vec![]);
        given::<Session>([]).when(end).then_expect_error(SessionError::NotFound);
    }
    let end = SessionCommand::End { user: BOB, reason: Revoked };
    given::<Session>([started()]).when(end).then_expect_error(SessionError::NotFound);
}

#[test]
fn it_is_live_for_its_owner_until_it_ends() {
    assert!(!state::<Session>([]).is_live(ANA));
    let live = state::<Session>([started()]);
    assert!(live.is_live(ANA) && !live.is_live(BOB));
    assert_eq!(live.user(), Some(ANA));
    assert!(!state::<Session>([started(), ended(EndReason::Revoked)]).is_live(ANA));
}

#[test]
fn each_refusal_has_its_word() {
    for (refusal, code, kind) in [
        (SessionError::AlreadyStarted, "already_started", RefusalKind::Conflict),
        (SessionError::NotFound, "not_found", RefusalKind::NotFound),
    ] {
        assert_eq!((refusal.code(), refusal.kind(), refusal.field()), (code, kind, None));
    }
}

#[test]
fn each_reason_is_stored_by_its_word() {
    use EndReason::{Deactivated, Erased, Expired, Logout, PasswordChanged, Revoked, Superseded, TokenReuse};
    for reason in [Logout, Revoked, TokenReuse, PasswordChanged, Deactivated, Erased, Expired, Superseded] {
        assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
    }
}
