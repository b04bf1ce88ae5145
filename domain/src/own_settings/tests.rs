//! Given/when/then for each branch of each command.

use super::{OwnSettingsAct as Act, OwnSettingsEvent as Event, *};
use crate::{
    Recipient, Refusal, RefusalKind, Timestamp,
    testing::{ANA, ROOM, given, state},
};
use uuid::Uuid;

const NOON: Timestamp = Timestamp::from_millis(43_200_000);

fn command(act: Act) -> OwnSettingsCommand {
    OwnSettingsCommand { conversation: ROOM, user: ANA, head: 7, act }
}

fn muted(until: Option<Timestamp>) -> Event {
    Event::Muted { conversation: ROOM, user: ANA, until }
}

fn unmuted() -> Event {
    Event::Unmuted { conversation: ROOM, user: ANA }
}

fn archived(seq: u64) -> Event {
    Event::Archived { conversation: ROOM, user: ANA, seq }
}

fn unarchived() -> Event {
    Event::Unarchived { conversation: ROOM, user: ANA }
}

fn cleared(seq: u64) -> Event {
    Event::Cleared { conversation: ROOM, user: ANA, seq }
}

fn table(rows: Vec<(Vec<Event>, Act, Vec<Event>)>) {
    for (before, act, expected) in rows {
        given::<OwnSettings>(before).when(command(act)).then_expect_events(expected);
    }
}

#[test]
fn it_is_muted_for_good_or_until_a_time() {
    let (mute, until_noon) = (Act::Mute { until: None }, Act::Mute { until: Some(NOON) });
    table(vec![
        (vec![], mute, vec![muted(None)]),
        (vec![], until_noon, vec![muted(Some(NOON))]),
        (vec![muted(None)], mute, vec![]),
        (vec![muted(None)], until_noon, vec![muted(Some(NOON))]),
        (vec![muted(Some(NOON))], until_noon, vec![]),
        (vec![muted(Some(NOON))], mute, vec![muted(None)]),
        (vec![muted(None)], Act::Unmute, vec![unmuted()]),
        (vec![], Act::Unmute, vec![]),
        (vec![muted(None), unmuted()], Act::Unmute, vec![]),
    ]);
    assert_eq!(state::<OwnSettings>([muted(Some(NOON))]).muted(), Some(Muted { until: Some(NOON) }));
    assert_eq!(state::<OwnSettings>([muted(None), unmuted()]).muted(), None);
}

#[test]
fn it_is_put_away_as_of_the_last_message_and_taken_out_again() {
    table(vec![
        (vec![], Act::Archive, vec![archived(7)]),
        (vec![archived(7)], Act::Archive, vec![]),
        // A message has unarchived it, or would once it is unmuted.
        (vec![archived(6)], Act::Archive, vec![archived(7)]),
        (vec![archived(6)], Act::Unarchive, vec![unarchived()]),
        (vec![], Act::Unarchive, vec![]),
        (vec![archived(7), unarchived()], Act::Unarchive, vec![]),
        (vec![archived(7), unarchived()], Act::Archive, vec![archived(7)]),
    ]);
    assert_eq!(state::<OwnSettings>([archived(6)]).archived(), Some(6));
    assert_eq!(state::<OwnSettings>([archived(6), unarchived()]).archived(), None);
}

#[test]
fn clearing_is_permanent() {
    table(vec![
        (vec![], Act::Clear, vec![cleared(7)]),
        (vec![cleared(6)], Act::Clear, vec![cleared(7)]),
        (vec![cleared(7)], Act::Clear, vec![]),
        (vec![cleared(8)], Act::Clear, vec![]),
    ]);
    given::<OwnSettings>([]).when(OwnSettingsCommand { head: 0, ..command(Act::Clear) }).then_expect_events(vec![]);
    assert_eq!(state::<OwnSettings>([cleared(6), cleared(4)]).cleared(), 6);
}

#[test]
fn only_the_person_receives_it() {
    for event in [muted(None), unmuted(), archived(1), unarchived(), cleared(1)] {
        let event = crate::Event::from(event);
        assert!(!event.event_type().is_scope_wide());
        assert_eq!((event.scope(Uuid::nil()), event.recipients(Uuid::nil())), (ROOM.0, vec![Recipient::only(ANA)]));
    }
}

#[test]
fn they_are_changed_only_so_often() {
    let toggles = (0..MAX_CHANGES / 2).flat_map(|_| [muted(None), unmuted()]);
    let before: Vec<_> = toggles.collect();
    let mute = command(Act::Mute { until: None });
    given::<OwnSettings>(before[..before.len() - 2].to_vec()).when(mute).then_expect_events(vec![muted(None)]);
    given::<OwnSettings>(before.clone()).when(mute).then_expect_error(OwnSettingsError::TooManyChanges);
    given::<OwnSettings>(before).when(command(Act::Unmute)).then_expect_events(vec![]);
    let refusal = OwnSettingsError::TooManyChanges;
    assert_eq!((refusal.code(), refusal.kind()), ("too_many_changes", RefusalKind::Conflict));
}
