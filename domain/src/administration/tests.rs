//! Given/when/then for each branch of each command.

use super::*;
use crate::{
    Refusal, RefusalKind,
    testing::{ANA, given},
};

#[test]
fn an_act_is_noted_once() {
    let target = || "messages:7".to_owned();
    let note = || AdministrationCommand::Note { by: ANA, act: Act::RetryDeadLetter, target: target() };
    let acted = || AdministrationEvent::Acted { by: ANA, act: Act::RetryDeadLetter, target: target() };
    given::<Administration>([]).when(note()).then_expect_events(vec![acted()]);
    given::<Administration>([acted()]).when(note()).then_expect_error(AdministrationError::AlreadyNoted);
    let refusal = AdministrationError::AlreadyNoted;
    assert_eq!((refusal.code(), refusal.kind()), ("already_noted", RefusalKind::Conflict));
}
