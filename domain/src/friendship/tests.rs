//! Given/when/then for each branch of each command.

use super::{FriendshipAct as Act, FriendshipError as Error, FriendshipEvent as Event, *};
use crate::{
    Refusal, RefusalKind, Timestamp, UserId,
    testing::{ANA, BOB, NOW, given, state},
};

fn ask(act: Act, by: UserId) -> FriendshipCommand {
    FriendshipCommand { by, with: if by == ANA { BOB } else { ANA }, act, now: NOW }
}

const REQUESTED: Event = Event::Requested { by: ANA, with: BOB, at: Some(NOW) };
const ACCEPTED: Event = Event::Accepted { by: BOB, with: ANA };
const BLOCKED: Event = Event::Blocked { by: ANA, with: BOB };

/// The result of each act of Ana and of Bob after `events`.
#[track_caller]
fn after(events: &[Event], by: UserId, expected: &[(Act, Result<Option<Event>, Error>)]) {
    for (act, expected) in expected {
        let then = given::<Friendship>(events.iter().cloned()).when(ask(*act, by)).inspect_result();
        assert_eq!(then, expected.clone().map(|event| event.into_iter().collect()), "{act:?} after {events:?}");
    }
}

#[test]
fn strangers_can_only_request_and_block() {
    let (by, with) = (ANA, BOB);
    after(
        &[],
        ANA,
        &[
            (Act::Request, Ok(Some(REQUESTED))),
            (Act::Accept, Err(Error::RequestNotFound)),
            (Act::Reject, Err(Error::RequestNotFound)),
            (Act::Cancel, Err(Error::RequestNotFound)),
            (Act::Block, Ok(Some(Event::Blocked { by, with }))),
            (Act::Unblock, Err(Error::NotBlocked)),
            (Act::Unfriend, Err(Error::NotFriends)),
        ],
    );
}

#[test]
fn a_requester_can_withdraw_the_request() {
    let (by, with) = (ANA, BOB);
    after(
        &[REQUESTED],
        ANA,
        &[
            (Act::Request, Ok(None)),
            (Act::Accept, Err(Error::RequestNotFound)),
            (Act::Reject, Err(Error::RequestNotFound)),
            (Act::Cancel, Ok(Some(Event::Cancelled { by, with }))),
            (Act::Block, Ok(Some(BLOCKED))),
            (Act::Unfriend, Err(Error::NotFriends)),
        ],
    );
}

#[test]
fn the_other_can_answer_a_request() {
    let (by, with) = (BOB, ANA);
    after(
        &[REQUESTED],
        BOB,
        &[
            (Act::Request, Ok(Some(ACCEPTED))),
            (Act::Accept, Ok(Some(ACCEPTED))),
            (Act::Reject, Ok(Some(Event::Rejected { by, with, at: Some(NOW) }))),
            (Act::Cancel, Err(Error::RequestNotFound)),
            (Act::Block, Ok(Some(Event::Blocked { by, with }))),
            (Act::Unfriend, Err(Error::NotFriends)),
        ],
    );
}

#[test]
fn friends_can_part() {
    for (by, with) in [(ANA, BOB), (BOB, ANA)] {
        after(
            &[REQUESTED, ACCEPTED],
            by,
            &[
                (Act::Request, Err(Error::AlreadyFriends)),
                (Act::Accept, Ok(None)),
                (Act::Reject, Err(Error::RequestNotFound)),
                (Act::Cancel, Err(Error::RequestNotFound)),
                (Act::Block, Ok(Some(Event::Blocked { by, with }))),
                (Act::Unblock, Err(Error::NotBlocked)),
                (Act::Unfriend, Ok(Some(Event::Unfriended { by, with }))),
            ],
        );
    }
}

#[test]
fn a_block_ends_everything_and_only_the_blocker_lifts_it() {
    let (by, with) = (ANA, BOB);
    after(
        &[REQUESTED, ACCEPTED, BLOCKED],
        ANA,
        &[
            (Act::Request, Err(Error::BlockedByYou)),
            (Act::Accept, Err(Error::RequestNotFound)),
            (Act::Block, Ok(None)),
            (Act::Unblock, Ok(Some(Event::Unblocked { by, with, at: Some(NOW) }))),
            (Act::Unfriend, Err(Error::NotFriends)),
        ],
    );
    after(
        &[REQUESTED, BLOCKED],
        BOB,
        &[
            (Act::Request, Err(Error::NotFound)),
            (Act::Accept, Err(Error::RequestNotFound)),
            (Act::Block, Ok(Some(Event::Blocked { by: BOB, with: ANA }))),
            (Act::Unblock, Err(Error::NotBlocked)),
        ],
    );
}

#[test]
fn two_blocks_are_lifted_one_by_one() {
    let both = [BLOCKED, Event::Blocked { by: BOB, with: ANA }];
    let pair = state::<Friendship>(both.iter().cloned());
    assert!(pair.is_blocked_by(ANA) && pair.is_blocked_by(BOB));
    assert_eq!(pair.may_approach(ANA, BOB), Err(Error::NotFound), "the other's block is answered first");
    let pair = state::<Friendship>(both.into_iter().chain([Event::Unblocked { by: BOB, with: ANA, at: Some(NOW) }]));
    assert_eq!(pair.may_approach(ANA, BOB), Err(Error::BlockedByYou));
    assert_eq!(pair.may_approach(BOB, ANA), Err(Error::NotFound));
    let pair = state::<Friendship>([BLOCKED, Event::Unblocked { by: ANA, with: BOB, at: Some(NOW) }]);
    assert_eq!(pair.may_approach(BOB, ANA), Ok(()));
}

#[test]
fn a_request_that_came_to_nothing_can_be_made_again() {
    for end in [
        Event::Cancelled { by: ANA, with: BOB },
        // An older event does not say when.
        Event::Rejected { by: BOB, with: ANA, at: None },
        Event::Unfriended { by: BOB, with: ANA },
    ] {
        assert_eq!(state::<Friendship>([REQUESTED, end.clone()]).standing(), Standing::Strangers);
        after(&[REQUESTED, end], ANA, &[(Act::Request, Ok(Some(REQUESTED)))]);
    }
}

#[test]
fn whose_request_was_rejected_asks_again_after_thirty_days_and_the_other_at_once() {
    let rejected = [REQUESTED, Event::Rejected { by: BOB, with: ANA, at: Some(NOW) }];
    after(&rejected, ANA, &[(Act::Request, Err(Error::RequestRejected))]);
    let (by, with, at) = (BOB, ANA, Some(NOW));
    after(&rejected, BOB, &[(Act::Request, Ok(Some(Event::Requested { by, with, at })))]);
    let ask_at = |ms| FriendshipCommand { by: ANA, with: BOB, act: Act::Request, now: Timestamp::from_millis(ms) };
    let then = NOW.millis() + REJECTED_MS;
    given::<Friendship>(rejected.clone()).when(ask_at(then - 1)).then_expect_error(Error::RequestRejected);
    let asked = Event::Requested { by: ANA, with: BOB, at: Some(Timestamp::from_millis(then)) };
    given::<Friendship>(rejected.clone()).when(ask_at(then)).then_expect_events(vec![asked]);
    // An accepted request of the rejecting person clears the rejection.
    let made_up = rejected.into_iter().chain([
        Event::Requested { by, with, at },
        Event::Accepted { by: ANA, with: BOB },
        Event::Unfriended { by, with },
    ]);
    after(&made_up.collect::<Vec<_>>(), ANA, &[(Act::Request, Ok(Some(REQUESTED)))]);
}

#[test]
fn requests_and_unblocks_are_paced_and_blocks_are_not() {
    let (mut pair, mut asked, mut blocked) = (Friendship::default(), 0, 0);
    let mut act = |act| {
        let events = crate::Aggregate::decide(&pair, ask(act, ANA))?;
        events.into_iter().for_each(|event| cqrs_es::Aggregate::apply(&mut pair, event));
        Ok(())
    };
    let refused = loop {
        match act(Act::Request).and_then(|()| act(Act::Cancel)) {
            Ok(()) => asked += 1,
            Err(refused) => break refused,
        }
    };
    assert_eq!((asked, refused), (REQUESTS.burst, Error::TooOften { wait_ms: REQUESTS.every_ms }));
    let refused = loop {
        act(Act::Block).unwrap();
        blocked += 1;
        if let Err(refused) = act(Act::Unblock) {
            break refused;
        }
    };
    assert_eq!((blocked, refused), (UNBLOCKS.burst + 1, Error::TooOften { wait_ms: UNBLOCKS.every_ms }));
    assert_eq!(refused.wait_ms(), Some(UNBLOCKS.every_ms));
}

#[test]
fn acts_on_oneself_are_refused() {
    for act in [Act::Request, Act::Accept, Act::Reject, Act::Cancel, Act::Block, Act::Unblock, Act::Unfriend] {
        let command = FriendshipCommand { by: ANA, with: ANA, act, now: NOW };
        given::<Friendship>([]).when(command).then_expect_error(Error::Oneself);
    }
}

#[test]
fn each_refusal_has_its_word() {
    for (refusal, code, kind) in [
        (Error::Oneself, "oneself", RefusalKind::Invalid),
        (Error::NotFound, "not_found", RefusalKind::NotFound),
        (Error::RequestNotFound, "request_not_found", RefusalKind::NotFound),
        (Error::BlockedByYou, "blocked_by_you", RefusalKind::Conflict),
        (Error::AlreadyFriends, "already_friends", RefusalKind::Conflict),
        (Error::RequestRejected, "request_rejected", RefusalKind::Conflict),
        (Error::TooOften { wait_ms: 1 }, "too_often", RefusalKind::Conflict),
        (Error::NotFriends, "not_friends", RefusalKind::Conflict),
        (Error::NotBlocked, "not_blocked", RefusalKind::Conflict),
    ] {
        assert_eq!((refusal.code(), refusal.kind()), (code, kind));
        assert_eq!(refusal.field().is_some(), kind == RefusalKind::Invalid);
    }
}
