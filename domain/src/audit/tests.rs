//! Given/when/then for each branch.

use super::*;
use crate::{
    Event, UserId,
    testing::{ANA, given, state},
    user::Role,
};
use std::collections::BTreeMap;
use uuid::Uuid;

fn filters() -> BTreeMap<String, String> {
    BTreeMap::from([("type".to_owned(), "message.sent".to_owned())])
}

fn reads(role: Role) -> ReadAudit {
    ReadAudit { by: ANA, role, what: Question::Events, filters: filters() }
}

fn read() -> AuditEvent {
    AuditEvent::Read { by: ANA, what: Question::Events, filters: filters() }
}

#[test]
fn a_reading_by_an_administrator_is_recorded() {
    given::<AuditReading>([]).when(reads(Role::Admin)).then_expect_events(vec![read()]);
    assert_eq!(state::<AuditReading>([read()]).by(), Some(ANA));
    assert_eq!(AuditReading::default().by(), None::<UserId>);
}

#[test]
fn only_administrators_read() {
    for role in [Role::User, Role::Moderator] {
        given::<AuditReading>([]).when(reads(role)).then_expect_error(AuditError::AdminOnly);
    }
}

#[test]
fn a_reading_is_recorded_once() {
    given::<AuditReading>([read()]).when(reads(Role::Admin)).then_expect_error(AuditError::AlreadyRecorded);
}

#[test]
fn a_reading_has_no_recipient_and_its_readers_scope() {
    let event = Event::from(read());
    assert!(!event.event_type().is_scope_wide() && event.recipients(Uuid::nil()).is_empty());
    assert_eq!(event.scope(Uuid::nil()), ANA.0);
}
