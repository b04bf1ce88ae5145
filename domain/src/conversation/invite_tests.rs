//! Given/when/then for each branch of the commands on invites.

use super::{
    ConversationCommand as Command, ConversationError as Error, ConversationEvent as Event,
    tests::{direct, gone, group, guarded, joined, requested, someone},
    *,
};
use crate::{
    Personal, Recipient, Timestamp, UserId,
    id::InviteId,
    testing::{ANA, BOB, CLEO, EVE, NOW, given, state},
    text::InviteCode,
};
use std::num::NonZeroU32;
use uuid::Uuid;

const LATER: Timestamp = at(2_000);
const FIRST: InviteId = InviteId(Uuid::from_u128(70));

const fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn code() -> InviteCode {
    InviteCode::parse("AAECAwQFBgcICQoLDA0ODw").unwrap()
}

fn create(by: UserId, expires_at: Option<Timestamp>, max_uses: u32) -> Command {
    let invite = NewInvite { id: FIRST, code: code(), expires_at, max_uses: NonZeroU32::new(max_uses) };
    Command::CreateInvite { by, invite, now: NOW }
}

/// Without a limit when `max_uses` is 0.
fn made(by: UserId, invite: InviteId, expires_at: Option<Timestamp>, max_uses: u32) -> Event {
    let code = Personal::new(by, code());
    Event::InviteCreated { invite, by, code, made_at: NOW, expires_at, max_uses: NonZeroU32::new(max_uses) }
}

fn accept(user: UserId, now: Timestamp) -> Command {
    Command::AcceptInvite { user, invite: FIRST, now }
}

fn asked(user: UserId) -> Event {
    Event::MemberRequested { user, invite: Some(FIRST), at: Some(NOW) }
}

#[test]
fn members_invite_where_no_lead_must_approve() {
    let plain = |by| made(by, FIRST, None, 0);
    given::<Conversation>([group()]).when(create(BOB, None, 0)).then_expect_events(vec![plain(BOB)]);
    given::<Conversation>([guarded()]).when(create(ANA, None, 0)).then_expect_events(vec![plain(ANA)]);
    given::<Conversation>([group(), plain(ANA)]).when(create(ANA, None, 0)).then_expect_events(vec![]);
    let limited = vec![made(ANA, FIRST, Some(LATER), 3)];
    given::<Conversation>([group()]).when(create(ANA, Some(LATER), 3)).then_expect_events(limited);
    for (events, by, refusal) in [
        (vec![guarded()], BOB, Error::LeadOnly),
        (vec![group()], EVE, Error::NotFound),
        (vec![guarded(), requested(CLEO)], CLEO, Error::NotFound),
        (vec![direct()], ANA, Error::DirectConversation),
        (vec![group(), gone()], ANA, Error::NotFound),
    ] {
        given::<Conversation>(events).when(create(by, None, 0)).then_expect_error(refusal);
    }
    for end in [NOW, at(1)] {
        given::<Conversation>([group()]).when(create(ANA, Some(end), 0)).then_expect_error(Error::InviteOver);
    }
}

#[test]
fn only_so_many_are_good_at_a_time() {
    let invite = |n: usize, end| made(ANA, InviteId(Uuid::from_u128(100 + n as u128)), end, 0);
    let full = |end| [group()].into_iter().chain((0..MAX_INVITES).map(move |n| invite(n, end))).collect::<Vec<_>>();
    given::<Conversation>(full(None)).when(create(ANA, None, 0)).then_expect_error(Error::TooManyInvites);
    // Void invites make room, and are dropped.
    let soon = Some(at(1_001));
    let late = Command::CreateInvite {
        by: ANA,
        invite: NewInvite { id: FIRST, code: code(), expires_at: None, max_uses: None },
        now: LATER,
    };
    let state = state::<Conversation>(full(soon));
    let events = crate::Aggregate::decide(&state, late).unwrap();
    let after = events.into_iter().fold(state, |mut state, event| {
        cqrs_es::Aggregate::apply(&mut state, event);
        state
    });
    assert_eq!((after.invites().len(), after.invites().newest().map(|(id, _)| id)), (1, Some(FIRST)));
}

#[test]
fn its_maker_and_the_leads_take_an_invite_back() {
    let revoke = |by| Command::RevokeInvite { by, invite: FIRST };
    let revoked = |by, made_by| Event::InviteRevoked { invite: FIRST, by, made_by };
    let by_bob = || [group(), made(BOB, FIRST, None, 0)];
    let by_ana = || [group(), made(ANA, FIRST, None, 0)];
    given::<Conversation>(by_bob()).when(revoke(BOB)).then_expect_events(vec![revoked(BOB, BOB)]);
    given::<Conversation>(by_bob()).when(revoke(ANA)).then_expect_events(vec![revoked(ANA, BOB)]);
    given::<Conversation>(by_ana()).when(revoke(BOB)).then_expect_error(Error::InviteNotFound);
    given::<Conversation>(by_ana()).when(revoke(EVE)).then_expect_error(Error::NotFound);
    given::<Conversation>([group()]).when(revoke(ANA)).then_expect_error(Error::InviteNotFound);
    let over = by_bob().into_iter().chain([revoked(BOB, BOB)]).collect::<Vec<_>>();
    given::<Conversation>(over).when(revoke(BOB)).then_expect_error(Error::InviteNotFound);
}

#[test]
fn one_comes_by_an_invite_or_asks_to() {
    let by_lead = || vec![guarded(), made(ANA, FIRST, None, 0)];
    given::<Conversation>(by_lead()).when(accept(CLEO, NOW)).then_expect_events(vec![joined(CLEO, Some(FIRST))]);
    // A lead's invite approves a pending person.
    let waiting = |mut events: Vec<Event>| {
        events.push(requested(CLEO));
        events
    };
    let events = vec![joined(CLEO, Some(FIRST))];
    given::<Conversation>(waiting(by_lead())).when(accept(CLEO, NOW)).then_expect_events(events);
    given::<Conversation>(by_lead()).when(accept(BOB, NOW)).then_expect_events(vec![]);
    let used_up = vec![guarded(), made(ANA, FIRST, None, 1), joined(CLEO, Some(FIRST))];
    given::<Conversation>(used_up).when(accept(CLEO, NOW)).then_expect_events(vec![]);
    // An invite by a plain member, made before joining needed approval.
    let by_member = || {
        let settings = Personal::new(ANA, Settings::default());
        vec![
            group(),
            made(BOB, FIRST, None, 0),
            Event::Updated { by: ANA, settings, approval: true, joining: None, at: None },
        ]
    };
    given::<Conversation>(by_member()).when(accept(CLEO, NOW)).then_expect_events(vec![asked(CLEO)]);
    given::<Conversation>(waiting(by_member())).when(accept(CLEO, NOW)).then_expect_events(vec![]);
    let others = [ANA].into_iter().chain((1..MAX_MEMBERS).map(someone));
    let full = tests::created(ConversationType::Group, others.collect(), false);
    let full = vec![full, made(ANA, FIRST, None, 0)];
    given::<Conversation>(full).when(accept(CLEO, NOW)).then_expect_error(Error::TooManyMembers);
}

#[test]
fn an_invite_that_is_over_never_was() {
    let promoted = Event::MemberPromoted { user: BOB, by: ANA, at: None };
    for (events, now) in [
        (vec![group()], NOW),
        (vec![], NOW),
        (vec![group(), made(ANA, FIRST, Some(LATER), 0)], LATER),
        (vec![group(), made(ANA, FIRST, None, 1), joined(EVE, Some(FIRST))], NOW),
        (vec![guarded(), made(ANA, FIRST, None, 1), asked(EVE)], NOW),
        (vec![group(), made(ANA, FIRST, None, 0), gone()], NOW),
        (vec![group(), promoted, made(ANA, FIRST, None, 0), Event::MemberLeft { user: ANA }], NOW),
        (vec![group(), made(BOB, FIRST, None, 0), Event::MemberKicked { user: BOB, by: ANA }], NOW),
    ] {
        given::<Conversation>(events).when(accept(CLEO, now)).then_expect_error(Error::InviteNotFound);
    }
    let before = [group(), made(ANA, FIRST, Some(LATER), 2), joined(EVE, Some(FIRST))];
    given::<Conversation>(before.clone()).when(accept(CLEO, at(1_999))).then_expect_events(vec![Event::MemberJoined {
        user: CLEO,
        invite: Some(FIRST),
        at: Some(at(1_999)),
    }]);
    assert_eq!(state::<Conversation>(before).invites().get(FIRST).map(|invite| invite.uses), Some(1));
}

#[test]
fn an_invite_opens_nothing_to_whom_a_lead_removed() {
    let made = || [group(), made(ANA, FIRST, None, 0), joined(CLEO, Some(FIRST))];
    let kicked = made().into_iter().chain([Event::MemberKicked { user: CLEO, by: ANA }]);
    given::<Conversation>(kicked).when(accept(CLEO, NOW)).then_expect_error(Error::InviteNotFound);
    let left = made().into_iter().chain([Event::MemberLeft { user: CLEO }]);
    given::<Conversation>(left).when(accept(CLEO, NOW)).then_expect_events(vec![joined(CLEO, Some(FIRST))]);
}

#[test]
fn only_its_maker_receives_a_code() {
    let about = |event: Event| (crate::Event::from(event.clone()).is_scope_wide(), event.recipients(Uuid::nil()));
    assert_eq!(about(made(BOB, FIRST, None, 0)), (false, vec![Recipient::only(BOB)]));
    let revoked = |by, made_by| Event::InviteRevoked { invite: FIRST, by, made_by };
    assert_eq!(about(revoked(BOB, BOB)), (false, vec![Recipient::only(BOB)]));
    assert_eq!(about(revoked(ANA, BOB)), (false, vec![Recipient::only(ANA), Recipient::only(BOB)]));
    let forgotten = Event::InviteCreated {
        invite: FIRST,
        by: BOB,
        code: Personal::forgotten(BOB),
        made_at: NOW,
        expires_at: None,
        max_uses: None,
    };
    assert_eq!(state::<Conversation>([group(), forgotten]).invites().get(FIRST).unwrap().code, None);
}
