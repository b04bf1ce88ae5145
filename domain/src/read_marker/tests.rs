//! Given/when/then for each branch of each command.

use super::*;
use crate::{
    Event, Recipient,
    testing::{ANA, ROOM, given, state},
};
use uuid::Uuid;

fn mark(mark: Mark, up_to: u64) -> ReadMarkerCommand {
    ReadMarkerCommand { conversation: ROOM, user: ANA, up_to, head: 10, mark, shown: Shown::Whole }
}

fn in_private(up_to: u64) -> ReadMarkerCommand {
    ReadMarkerCommand { shown: Shown::AsArrived, ..mark(Mark::Read, up_to) }
}

fn read(seq: u64) -> ReadMarkerEvent {
    ReadMarkerEvent::Read { conversation: ROOM, user: ANA, seq }
}

fn read_in_private(seq: u64) -> ReadMarkerEvent {
    ReadMarkerEvent::ReadPrivately { conversation: ROOM, user: ANA, seq }
}

fn delivered(seq: u64) -> ReadMarkerEvent {
    ReadMarkerEvent::Delivered { conversation: ROOM, user: ANA, seq }
}

#[test]
fn it_moves_forward() {
    given::<ReadMarker>([]).when(mark(Mark::Read, 3)).then_expect_events(vec![read(3)]);
    given::<ReadMarker>([]).when(mark(Mark::Delivered, 3)).then_expect_events(vec![delivered(3)]);
    given::<ReadMarker>([read(3)]).when(mark(Mark::Read, 4)).then_expect_events(vec![read(4)]);
    given::<ReadMarker>([delivered(5)]).when(mark(Mark::Read, 4)).then_expect_events(vec![read(4)]);
}

#[test]
fn it_never_moves_back_or_stands_still_with_an_event() {
    for up_to in [0, 3, 4] {
        given::<ReadMarker>([read(4)]).when(mark(Mark::Read, up_to)).then_expect_events(vec![]);
        given::<ReadMarker>([delivered(4)]).when(mark(Mark::Delivered, up_to)).then_expect_events(vec![]);
    }
    given::<ReadMarker>([]).when(mark(Mark::Read, 0)).then_expect_events(vec![]);
}

#[test]
fn reading_implies_delivery() {
    given::<ReadMarker>([read(4)]).when(mark(Mark::Delivered, 4)).then_expect_events(vec![]);
    let marker = state::<ReadMarker>([read(4), delivered(6)]);
    assert_eq!((marker.read(), marker.delivered()), (4, 6));
}

#[test]
fn it_is_clamped_to_the_head() {
    given::<ReadMarker>([]).when(mark(Mark::Read, u64::MAX)).then_expect_events(vec![read(10)]);
    given::<ReadMarker>([read(10)]).when(mark(Mark::Read, 11)).then_expect_events(vec![]);
}

#[test]
fn a_private_reading_is_a_delivery_to_others() {
    let expected = vec![delivered(3), read_in_private(3)];
    given::<ReadMarker>([]).when(in_private(3)).then_expect_events(expected);
    given::<ReadMarker>([delivered(5)]).when(in_private(4)).then_expect_events(vec![read_in_private(4)]);
    given::<ReadMarker>([read(4)]).when(in_private(4)).then_expect_events(vec![]);
}

#[test]
fn a_hidden_reading_is_private_and_a_hidden_delivery_has_no_event() {
    let unseen = |which, up_to| ReadMarkerCommand { shown: Shown::Nothing, ..mark(which, up_to) };
    given::<ReadMarker>([]).when(unseen(Mark::Read, 3)).then_expect_events(vec![read_in_private(3)]);
    given::<ReadMarker>([]).when(unseen(Mark::Delivered, 3)).then_expect_events(vec![]);
    // Later it may be known that it had arrived.
    given::<ReadMarker>([read_in_private(3)]).when(mark(Mark::Delivered, 3)).then_expect_events(vec![delivered(3)]);
    assert_eq!(state::<ReadMarker>([read_in_private(3)]).delivered(), 3, "to the reader it has");
}

#[test]
fn after_private_reading_the_next_message_is_read_publicly() {
    let before = [delivered(6), read_in_private(6), read(2)];
    given::<ReadMarker>(before.clone()).when(mark(Mark::Read, 6)).then_expect_events(vec![read(6)]);
    given::<ReadMarker>(before.clone()).when(mark(Mark::Read, 2)).then_expect_events(vec![]);
    assert_eq!(state::<ReadMarker>(before).read(), 6, "it does not move back");
}

#[test]
fn only_the_reader_receives_a_private_reading() {
    let event = Event::from(read_in_private(3));
    assert!(!event.is_scope_wide());
    assert_eq!(event.recipients(Uuid::nil()), [Recipient::only(ANA)]);
    assert!(Event::from(read(3)).is_scope_wide());
}
