//! Given/when/then for each branch of each command.

use super::{CallCommand as Command, CallError as Error, CallEvent as Event, *};
use crate::{
    Refusal, RefusalKind, Timestamp, UserId,
    testing::{ANA, BOB, CLEO, EVE, ROOM, given, state},
};
use uuid::Uuid;

fn ring(invited: &[UserId]) -> Command {
    Command::Ring { conversation: ROOM, caller: ANA, call_type: CallType::Video, invited: invited.to_vec() }
}

fn ringing(invited: &[UserId]) -> Event {
    Event::Ringing { conversation: ROOM, caller: ANA, call_type: CallType::Video, invited: invited.to_vec() }
}

const fn answered(user: UserId) -> Event {
    Event::Answered { conversation: ROOM, user }
}

const fn refused(user: UserId, over: bool) -> Event {
    Event::Refused { conversation: ROOM, user, over }
}

const fn left(user: UserId, reason: EndReason) -> Event {
    Event::Left { conversation: ROOM, user, reason, recipients: Vec::new() }
}

const fn closed(by: Option<UserId>, reason: EndReason) -> Event {
    Event::Closed { conversation: ROOM, by, reason, recipients: Vec::new() }
}

/// The same, with recipients who may have left the conversation.
fn naming(people: &[UserId], event: Event) -> Event {
    let recipients = people.to_vec();
    match event {
        Event::Left { conversation, user, reason, .. } => Event::Left { conversation, user, reason, recipients },
        Event::Closed { conversation, by, reason, .. } => Event::Closed { conversation, by, reason, recipients },
        other => other,
    }
}

const MISSED: Event = Event::Missed { conversation: ROOM };

/// Ana calls Bob.
fn direct() -> Vec<Event> {
    vec![ringing(&[BOB])]
}

/// Ana calls Bob and Cleo.
fn group() -> Vec<Event> {
    vec![ringing(&[BOB, CLEO])]
}

/// Ana talks with Bob.
fn talking() -> Vec<Event> {
    vec![ringing(&[BOB]), answered(BOB)]
}

/// Ana, Bob and Cleo talk.
fn three() -> Vec<Event> {
    vec![ringing(&[BOB, CLEO]), answered(BOB), answered(CLEO)]
}

#[track_caller]
fn then(events: Vec<Event>, command: Command, expected: Result<Vec<Event>, Error>) {
    let case = format!("{command:?} after {events:?}");
    assert_eq!(given::<Call>(events).when(command).inspect_result(), expected, "{case}");
}

#[test]
fn a_call_rings_the_others() {
    then(vec![], ring(&[CLEO, ANA, BOB, BOB]), Ok(vec![ringing(&[BOB, CLEO])]));
    then(vec![], ring(&[ANA]), Err(Error::NobodyToCall));
    then(direct(), ring(&[BOB]), Err(Error::AlreadyBegun));
    let call = state::<Call>(group());
    assert_eq!(call.begun().map(|begun| (begun.conversation, begun.caller)), Some((ROOM, ANA)));
    assert!(call.is_active() && call.involves(ANA) && call.involves(BOB) && !call.involves(EVE));
    assert_eq!((call.status(), call.end_reason(), call.size()), (CallStatus::Ringing, None, 3));
}

#[test]
fn a_call_without_events_is_not_found() {
    for command in [Command::Answer { by: BOB }, Command::Refuse { by: BOB }, Command::Close { by: BOB }] {
        then(vec![], command, Err(Error::NotFound));
    }
    for reason in [EndReason::Removed, EndReason::ConnectionLost] {
        then(vec![], Command::Drop { user: BOB, reason }, Ok(vec![]));
        then(vec![], Command::End { reason }, Ok(vec![]));
    }
    then(vec![], Command::TimeOut, Ok(vec![]));
}

#[test]
fn answering_twice_joins_once() {
    let answer = |by| Command::Answer { by };
    then(direct(), answer(BOB), Ok(vec![answered(BOB)]));
    then(talking(), answer(BOB), Ok(vec![]));
    then(direct(), answer(ANA), Ok(vec![]));
    then(talking(), answer(ANA), Ok(vec![]));
    then([group(), vec![answered(BOB)]].concat(), answer(CLEO), Ok(vec![answered(CLEO)]));
    // A person who joined the conversation meanwhile.
    then(group(), answer(EVE), Ok(vec![answered(EVE)]));
    assert_eq!(state::<Call>(talking()).status(), CallStatus::Ongoing);
}

#[test]
fn a_person_who_refused_or_left_may_join_an_active_call() {
    let answer = |by| Command::Answer { by };
    then([group(), vec![refused(BOB, false)]].concat(), answer(BOB), Ok(vec![answered(BOB)]));
    then([three(), vec![left(BOB, EndReason::HungUp)]].concat(), answer(BOB), Ok(vec![answered(BOB)]));
    for end in [refused(BOB, true), MISSED, closed(Some(ANA), EndReason::Cancelled)] {
        then([direct(), vec![end]].concat(), answer(BOB), Err(Error::Ended));
    }
}

#[test]
fn a_ninth_participant_is_too_many() {
    let others: Vec<_> = (10..18).map(|n| UserId(Uuid::from_u128(n))).collect();
    let mut events = vec![ringing(&others)];
    events.extend(others[..7].iter().copied().map(answered));
    then(events.clone(), Command::Answer { by: others[7] }, Err(Error::Full));
    events.push(left(others[0], EndReason::HungUp));
    then(events, Command::Answer { by: others[7] }, Ok(vec![answered(others[7])]));
}

#[test]
fn a_direct_call_ends_with_its_refusal() {
    let refuse = |by| Command::Refuse { by };
    then(direct(), refuse(BOB), Ok(vec![refused(BOB, true)]));
    then(direct(), refuse(ANA), Err(Error::TakesPart));
    then(direct(), refuse(EVE), Err(Error::NotInCall));
    then(talking(), refuse(BOB), Err(Error::TakesPart));
    let call = state::<Call>([direct(), vec![refused(BOB, true)]].concat());
    assert_eq!((call.status(), call.end_reason()), (CallStatus::Refused, Some(EndReason::Refused)));
    assert!(!call.involves(ANA));
}

#[test]
fn a_group_call_ends_when_all_have_refused() {
    let refuse = |by| Command::Refuse { by };
    let once = [group(), vec![refused(BOB, false)]].concat();
    then(group(), refuse(BOB), Ok(vec![refused(BOB, false)]));
    then(once.clone(), refuse(BOB), Ok(vec![]));
    then(once.clone(), refuse(CLEO), Ok(vec![refused(CLEO, true)]));
    then([once, vec![refused(CLEO, true)]].concat(), refuse(CLEO), Ok(vec![]));
    // It goes on with those who answered.
    then([group(), vec![answered(BOB)]].concat(), refuse(CLEO), Ok(vec![refused(CLEO, false)]));
    then([three(), vec![left(BOB, EndReason::HungUp)]].concat(), refuse(BOB), Err(Error::NotInCall));
    then([direct(), vec![MISSED]].concat(), refuse(BOB), Err(Error::Ended));
}

#[test]
fn closing_takes_back_refuses_or_hangs_up() {
    let close = |by| Command::Close { by };
    then(direct(), close(ANA), Ok(vec![closed(Some(ANA), EndReason::Cancelled)]));
    then(direct(), close(BOB), Ok(vec![refused(BOB, true)]));
    then(group(), close(BOB), Ok(vec![refused(BOB, false)]));
    then(direct(), close(EVE), Err(Error::NotInCall));
    for by in [ANA, BOB] {
        then(talking(), close(by), Ok(vec![closed(Some(by), EndReason::HungUp)]));
    }
    then(three(), close(ANA), Ok(vec![left(ANA, EndReason::HungUp)]));
    let two = [three(), vec![left(ANA, EndReason::HungUp)]].concat();
    then(two.clone(), close(ANA), Ok(vec![]));
    then(two, close(BOB), Ok(vec![closed(Some(BOB), EndReason::HungUp)]));
    // Both hang up at once.
    then([talking(), vec![closed(Some(ANA), EndReason::HungUp)]].concat(), close(BOB), Ok(vec![]));
    let call = state::<Call>([talking(), vec![closed(Some(ANA), EndReason::HungUp)]].concat());
    assert_eq!((call.status(), call.end_reason()), (CallStatus::Ended, Some(EndReason::HungUp)));
}

#[test]
fn only_a_ringing_call_times_out() {
    then(group(), Command::TimeOut, Ok(vec![MISSED]));
    then([group(), vec![refused(BOB, false)]].concat(), Command::TimeOut, Ok(vec![MISSED]));
    then(talking(), Command::TimeOut, Ok(vec![]));
    then([direct(), vec![MISSED]].concat(), Command::TimeOut, Ok(vec![]));
    let call = state::<Call>([direct(), vec![MISSED]].concat());
    assert_eq!((call.status(), call.end_reason()), (CallStatus::Missed, Some(EndReason::NoAnswer)));
}

#[test]
fn whose_connection_is_lost_leaves() {
    let (lost, reason) = (|user| Command::Drop { user, reason: EndReason::ConnectionLost }, EndReason::ConnectionLost);
    then(direct(), lost(ANA), Ok(vec![closed(None, reason)]));
    // They may come back before it stops ringing.
    then(direct(), lost(BOB), Ok(vec![]));
    then(talking(), lost(BOB), Ok(vec![closed(None, reason)]));
    then(three(), lost(BOB), Ok(vec![left(BOB, reason)]));
    then([three(), vec![left(BOB, reason)]].concat(), lost(BOB), Ok(vec![]));
    then(three(), lost(EVE), Ok(vec![]));
    then([direct(), vec![MISSED]].concat(), lost(ANA), Ok(vec![]));
}

#[test]
fn a_former_member_is_removed_from_the_call() {
    let (removed, reason) = (|user| Command::Drop { user, reason: EndReason::Removed }, EndReason::Removed);
    let closed = |user| naming(&[user], closed(None, reason));
    let leaves = |user| naming(&[user], left(user, reason));
    then(group(), removed(ANA), Ok(vec![closed(ANA)]));
    then(group(), removed(BOB), Ok(vec![leaves(BOB)]));
    then([group(), vec![left(BOB, reason)]].concat(), removed(CLEO), Ok(vec![closed(CLEO)]));
    then([group(), vec![answered(BOB)]].concat(), removed(CLEO), Ok(vec![leaves(CLEO)]));
    then(three(), removed(CLEO), Ok(vec![leaves(CLEO)]));
    then(talking(), removed(BOB), Ok(vec![closed(BOB)]));
    assert_eq!(
        leaves(BOB).recipients(Uuid::nil()),
        [crate::Recipient::only(BOB)],
        "though they have left the conversation"
    );
    then([group(), vec![left(BOB, reason)]].concat(), Command::Refuse { by: CLEO }, Ok(vec![refused(CLEO, true)]));
}

#[test]
fn a_conversation_that_is_over_ends_its_call() {
    let reason = EndReason::Removed;
    for (events, people) in [
        (direct(), vec![ANA, BOB]),
        (group(), vec![ANA, BOB, CLEO]),
        (talking(), vec![ANA, BOB]),
        ([group(), vec![refused(BOB, false)]].concat(), vec![ANA, CLEO]),
    ] {
        then(events, Command::End { reason }, Ok(vec![naming(&people, closed(None, reason))]));
    }
    then([talking(), vec![closed(None, reason)]].concat(), Command::End { reason }, Ok(vec![]));
}

#[test]
fn an_event_says_whether_it_ends_the_call() {
    for (event, ends) in [
        (ringing(&[BOB]), false),
        (answered(BOB), false),
        (refused(BOB, false), false),
        (refused(BOB, true), true),
        (MISSED, true),
        (left(BOB, EndReason::HungUp), false),
        (closed(None, EndReason::Removed), true),
    ] {
        assert_eq!(event.ends(), ends, "{event:?}");
    }
}

#[test]
fn a_call_takes_from_its_answer_to_its_end() {
    let at = |millis| Some(Timestamp::from_millis(millis));
    for (answered, ended, seconds) in
        [(at(1_000), at(62_999), 61), (None, at(9_000), 0), (at(1_000), None, 0), (at(9_000), at(1_000), 0)]
    {
        assert_eq!(duration(answered, ended), seconds);
    }
}

#[test]
fn the_words_are_those_of_the_protocol() {
    for (refusal, code, kind) in [
        (Error::NotFound, "not_found", RefusalKind::NotFound),
        (Error::AlreadyBegun, "already_begun", RefusalKind::Conflict),
        (Error::NobodyToCall, "nobody_to_call", RefusalKind::Conflict),
        (Error::NobodyOnline, "user_not_online", RefusalKind::Conflict),
        (Error::Ended, "call_ended", RefusalKind::Conflict),
        (Error::Full, "call_full", RefusalKind::Conflict),
        (Error::TakesPart, "in_call", RefusalKind::Conflict),
        (Error::NotInCall, "not_in_call", RefusalKind::Forbidden),
    ] {
        assert_eq!((refusal.code(), refusal.kind(), refusal.field()), (code, kind, None));
        assert!(!refusal.to_string().is_empty());
    }
    for status in ["Ringing", "Ongoing", "Ended", "Missed", "Refused"] {
        let stored: CallStatus = serde_json::from_value(status.to_uppercase().into()).expect("a status");
        assert_eq!(stored.as_str(), status.to_uppercase());
    }
    for reason in ["cancelled", "hung_up", "refused", "no_answer", "connection_lost", "removed"] {
        let stored: EndReason = serde_json::from_value(reason.into()).expect("a reason");
        assert_eq!(stored.as_str(), reason);
    }
    assert_eq!([CallType::Voice.as_str(), CallType::Video.as_str()], ["VOICE", "VIDEO"]);
}
