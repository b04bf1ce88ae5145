//! Given/when/then for each branch of each command.

use super::*;
use crate::testing::{ANA, ROOM, given, state};

fn mark(mark: Mark, up_to: u64) -> ReadMarkerCommand {
    ReadMarkerCommand { conversation: ROOM, user: ANA, up_to, head: 10, mark }
}

fn read(seq: u64) -> ReadMarkerEvent {
    ReadMarkerEvent::Read { conversation: ROOM, user: ANA, seq }
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
fn what_was_read_was_delivered() {
    given::<ReadMarker>([read(4)]).when(mark(Mark::Delivered, 4)).then_expect_events(vec![]);
    let marker = state::<ReadMarker>([read(4), delivered(6)]);
    assert_eq!((marker.read(), marker.delivered()), (4, 6));
}

#[test]
fn it_is_clamped_to_the_head() {
    given::<ReadMarker>([]).when(mark(Mark::Read, u64::MAX)).then_expect_events(vec![read(10)]);
    given::<ReadMarker>([read(10)]).when(mark(Mark::Read, 11)).then_expect_events(vec![]);
}
