//! Given/when/then for each branch of the commands on members.

use super::{
    ConversationCommand as Command, ConversationError as Error, ConversationEvent as Event,
    tests::{create, created, direct, gone, group, guarded, joined, nobody, open, requested, someone},
    *,
};
use crate::{
    UserId,
    testing::{ANA, BOB, CLEO, EVE, NOW, given, state},
};
use std::collections::BTreeSet;

fn added(user: UserId, by: UserId) -> Event {
    Event::MemberAdded { user, by, at: Some(NOW) }
}

fn promoted(user: UserId, by: UserId) -> Event {
    Event::MemberPromoted { user, by, at: Some(NOW) }
}

/// The lead passes to `user` without a command.
fn inherited(user: UserId, by: UserId) -> Event {
    Event::MemberPromoted { user, by, at: None }
}

fn left(user: UserId) -> Event {
    Event::MemberLeft { user }
}

fn kicked(user: UserId) -> Event {
    Event::MemberKicked { user, by: ANA }
}

fn invited(user: UserId, by: UserId) -> Event {
    Event::MemberInvited { user, by, at: NOW }
}

/// The result of adding a person who lets only friends add them.
fn ask(by: UserId, user: UserId) -> Command {
    let known_as = Newcomer { is_unreachable: true, ..Newcomer::default() };
    Command::Add { by, user, known_as, now: NOW }
}

fn add(by: UserId, user: UserId) -> Command {
    Command::Add { by, user, known_as: Newcomer::default(), now: NOW }
}

/// The commands of leads on members, by name.
fn acts(by: UserId, user: UserId) -> [Command; 5] {
    [
        Command::Kick { by, user },
        Command::Promote { by, user, now: NOW },
        Command::Demote { by, user, idle: nobody() },
        Command::Approve { by, user },
        Command::Reject { by, user },
    ]
}

#[test]
fn anybody_joins_or_asks_to_where_the_group_says_so() {
    let join = |user| Command::Join { user, now: NOW };
    given::<Conversation>([open()]).when(join(CLEO)).then_expect_events(vec![joined(CLEO, None)]);
    given::<Conversation>([group()]).when(join(CLEO)).then_expect_error(Error::NotFound);
    given::<Conversation>([guarded()]).when(join(CLEO)).then_expect_events(vec![requested(CLEO)]);
    given::<Conversation>([group()]).when(join(BOB)).then_expect_events(vec![]);
    given::<Conversation>([guarded(), requested(CLEO)]).when(join(CLEO)).then_expect_events(vec![]);
    let deserted = [ANA, BOB].map(|user| Event::MemberLeft { user });
    let deserted = [open()].into_iter().chain(deserted).collect();
    for events in [vec![], vec![direct()], vec![group(), gone()], deserted] {
        given::<Conversation>(events).when(join(CLEO)).then_expect_error(Error::NotFound);
    }
    let full = created(ConversationType::Group, (0..MAX_MEMBERS).map(someone).collect(), true);
    given::<Conversation>([full]).when(join(CLEO)).then_expect_error(Error::TooManyMembers);
    let asked = state::<Conversation>([guarded(), requested(CLEO)]);
    assert_eq!(asked.member(CLEO).map(|member| member.status), Some(MemberStatus::Pending));
    assert_eq!(asked.may_take_part(CLEO), Err(Error::NotFound));
}

#[test]
fn a_departing_lead_hands_over() {
    let leave = |user| Command::Leave { user, idle: nobody() };
    given::<Conversation>([group()]).when(leave(BOB)).then_expect_events(vec![left(BOB)]);
    given::<Conversation>([guarded(), requested(CLEO)]).when(leave(CLEO)).then_expect_events(vec![left(CLEO)]);
    // The first member inherits; a pending one does not.
    let crowd = || [guarded(), requested(EVE), added(CLEO, ANA)];
    let heirs = vec![inherited(BOB, ANA), left(ANA)];
    given::<Conversation>(crowd()).when(leave(ANA)).then_expect_events(heirs);
    let two_leads = [group(), promoted(BOB, ANA)];
    given::<Conversation>(two_leads).when(leave(ANA)).then_expect_events(vec![left(ANA)]);
    given::<Conversation>([group(), left(BOB)]).when(leave(ANA)).then_expect_events(vec![left(ANA)]);
    for (events, user, refusal) in [
        (vec![], ANA, Error::NotFound),
        (vec![group()], EVE, Error::NotFound),
        (vec![group(), gone()], ANA, Error::NotFound),
        (vec![direct()], ANA, Error::DirectConversation),
    ] {
        given::<Conversation>(events).when(leave(user)).then_expect_error(refusal);
    }
}

#[test]
fn a_member_adds_where_no_lead_must_approve() {
    given::<Conversation>([group()]).when(add(BOB, CLEO)).then_expect_events(vec![added(CLEO, BOB)]);
    given::<Conversation>([guarded()]).when(add(ANA, CLEO)).then_expect_events(vec![added(CLEO, ANA)]);
    let approved = Event::MemberApproved { user: CLEO, by: ANA };
    given::<Conversation>([guarded(), requested(CLEO)]).when(add(ANA, CLEO)).then_expect_events(vec![approved]);
    let full =
        created(ConversationType::Group, [ANA].into_iter().chain((1..MAX_MEMBERS).map(someone)).collect(), false);
    for (events, by, user, refusal) in [
        (vec![group()], EVE, CLEO, Error::NotFound),
        (vec![guarded()], BOB, CLEO, Error::LeadOnly),
        (vec![guarded(), requested(CLEO)], CLEO, EVE, Error::NotFound),
        (vec![direct()], ANA, CLEO, Error::DirectConversation),
        (vec![group()], ANA, BOB, Error::AlreadyMember),
        (vec![full], ANA, CLEO, Error::TooManyMembers),
    ] {
        given::<Conversation>(events).when(add(by, user)).then_expect_error(refusal);
    }
}

#[test]
fn only_a_lead_of_a_group_acts_on_others() {
    for command in acts(EVE, BOB) {
        given::<Conversation>([group()]).when(command).then_expect_error(Error::NotFound);
    }
    for command in acts(BOB, ANA) {
        given::<Conversation>([group()]).when(command).then_expect_error(Error::LeadOnly);
    }
    for command in acts(ANA, BOB) {
        given::<Conversation>([direct()]).when(command.clone()).then_expect_error(Error::DirectConversation);
        given::<Conversation>([group(), gone()]).when(command).then_expect_error(Error::NotFound);
    }
}

#[test]
fn a_lead_kicks_promotes_and_demotes_members() {
    let (by, user) = (ANA, BOB);
    let promoted = || promoted(user, by);
    let [kick, promote, demote, ..] = acts(by, user);
    given::<Conversation>([group()]).when(kick.clone()).then_expect_events(vec![Event::MemberKicked { user, by }]);
    given::<Conversation>([group(), promoted()]).when(kick).then_expect_events(vec![Event::MemberKicked { user, by }]);
    given::<Conversation>([group()]).when(promote.clone()).then_expect_events(vec![promoted()]);
    given::<Conversation>([group(), promoted()]).when(promote).then_expect_events(vec![]);
    given::<Conversation>([group()]).when(demote.clone()).then_expect_events(vec![]);
    let demoted = vec![Event::MemberDemoted { user, by }];
    given::<Conversation>([group(), promoted()]).when(demote).then_expect_events(demoted);
    given::<Conversation>([group()]).when(Command::Kick { by, user: ANA }).then_expect_error(Error::KicksOneself);
    given::<Conversation>([group()])
        .when(Command::Demote { by, user: ANA, idle: nobody() })
        .then_expect_error(Error::LastLead);
    // A pending person is no member yet.
    for command in acts(ANA, CLEO).into_iter().take(3) {
        given::<Conversation>([guarded()]).when(command.clone()).then_expect_error(Error::NotMember);
        given::<Conversation>([guarded(), requested(CLEO)]).when(command).then_expect_error(Error::NotMember);
    }
    assert!(state::<Conversation>([group(), Event::MemberKicked { user, by }]).member(BOB).is_none());
    assert!(!state::<Conversation>([group(), promoted(), Event::MemberDemoted { user, by }]).is_lead(BOB));
}

#[test]
fn a_lead_accepts_or_rejects_a_request() {
    let (by, user) = (ANA, CLEO);
    let [.., approve, reject] = acts(by, user);
    let (approved, rejected) = (Event::MemberApproved { user, by }, Event::MemberRejected { user, by });
    let asked = || [guarded(), requested(CLEO)];
    given::<Conversation>(asked()).when(approve).then_expect_events(vec![approved.clone()]);
    given::<Conversation>(asked()).when(reject).then_expect_events(vec![rejected.clone()]);
    for command in acts(ANA, BOB)
        .into_iter()
        .chain(acts(ANA, EVE))
        .filter(|command| matches!(command, Command::Approve { .. } | Command::Reject { .. }))
    {
        given::<Conversation>(asked()).when(command).then_expect_error(Error::NoRequest);
    }
    let inside = state::<Conversation>(asked().into_iter().chain([approved]));
    assert_eq!(inside.may_take_part(CLEO), Ok(()));
    assert!(state::<Conversation>(asked().into_iter().chain([rejected])).member(CLEO).is_none());
}

#[test]
fn an_idle_member_is_no_heir() {
    let crowd = || [group(), added(CLEO, ANA), added(EVE, ANA)];
    let leave = |idle: &[UserId]| Command::Leave { user: ANA, idle: idle.iter().copied().collect() };
    given::<Conversation>(crowd()).when(leave(&[BOB])).then_expect_events(vec![inherited(CLEO, ANA), left(ANA)]);
    // An idle lead does not count; if all are idle, the next one leads once they can act.
    let two = || crowd().into_iter().chain([promoted(BOB, ANA)]);
    given::<Conversation>(two()).when(leave(&[BOB])).then_expect_events(vec![inherited(CLEO, ANA), left(ANA)]);
    given::<Conversation>(two()).when(leave(&[BOB, CLEO, EVE])).then_expect_events(vec![left(ANA)]);
    let nobody_can = vec![inherited(BOB, ANA), left(ANA)];
    given::<Conversation>(crowd()).when(leave(&[BOB, CLEO, EVE])).then_expect_events(nobody_can);
    let demote = |idle: &[UserId]| Command::Demote { by: ANA, user: ANA, idle: idle.iter().copied().collect() };
    given::<Conversation>(two()).when(demote(&[BOB])).then_expect_error(Error::LastLead);
    let demoted = vec![Event::MemberDemoted { user: ANA, by: ANA }];
    given::<Conversation>(two()).when(demote(&[])).then_expect_events(demoted);
}

#[test]
fn a_group_whose_leads_are_idle_gets_an_active_one() {
    let settle = |idle: &[UserId]| Command::Settle { idle: idle.iter().copied().collect() };
    let crowd = || [group(), added(CLEO, ANA)];
    given::<Conversation>(crowd()).when(settle(&[])).then_expect_events(vec![]);
    given::<Conversation>(crowd()).when(settle(&[ANA])).then_expect_events(vec![inherited(BOB, ANA)]);
    given::<Conversation>(crowd()).when(settle(&[ANA, BOB])).then_expect_events(vec![inherited(CLEO, ANA)]);
    given::<Conversation>(crowd()).when(settle(&[ANA, BOB, CLEO])).then_expect_events(vec![]);
    for nothing in [vec![], vec![direct()], vec![group(), gone()]] {
        given::<Conversation>(nothing).when(settle(&[ANA])).then_expect_events(vec![]);
    }
}

#[test]
fn an_administrator_makes_a_member_a_lead() {
    let appoint = |user| Command::Appoint { by: EVE, user, now: NOW };
    given::<Conversation>([group()]).when(appoint(BOB)).then_expect_events(vec![promoted(BOB, EVE)]);
    given::<Conversation>([group()]).when(appoint(ANA)).then_expect_events(vec![]);
    given::<Conversation>([group()]).when(appoint(CLEO)).then_expect_error(Error::NotMember);
    given::<Conversation>([direct()]).when(appoint(BOB)).then_expect_error(Error::DirectConversation);
    given::<Conversation>([]).when(appoint(BOB)).then_expect_error(Error::NotFound);
    given::<Conversation>([group(), gone()]).when(appoint(BOB)).then_expect_error(Error::NotFound);
}

#[test]
fn whom_a_lead_removed_comes_back_by_a_lead_alone() {
    let join = |user| Command::Join { user, now: NOW };
    let rejected = || Event::MemberRejected { user: CLEO, by: ANA };
    let removed = [
        (vec![open(), joined(CLEO, None), kicked(CLEO)], Error::NotFound),
        (vec![guarded(), requested(CLEO), rejected()], Error::NotFound),
    ];
    for (events, refusal) in removed {
        given::<Conversation>(events.clone()).when(join(CLEO)).then_expect_error(refusal);
        given::<Conversation>(events.clone()).when(add(BOB, CLEO)).then_expect_error(Error::LeadOnly);
        given::<Conversation>(events.clone()).when(add(ANA, CLEO)).then_expect_events(vec![added(CLEO, ANA)]);
        // By a lead they are back for good: then they may leave and come again.
        let back = events.into_iter().chain([added(CLEO, ANA), left(CLEO)]);
        given::<Conversation>(back).when(join(CLEO)).inspect_result().unwrap();
    }
    let friend = Newcomer { is_friend: true, ..Newcomer::default() };
    let by_friend = Command::Add { by: BOB, user: CLEO, known_as: friend, now: NOW };
    given::<Conversation>([group(), joined(CLEO, None), kicked(CLEO)])
        .when(by_friend)
        .then_expect_error(Error::LeadOnly);
}

#[test]
fn only_a_friend_adds_a_member_who_left() {
    let gone = || [open(), joined(CLEO, None), left(CLEO)];
    let friend = Newcomer { is_friend: true, ..Newcomer::default() };
    for by in [ANA, BOB] {
        given::<Conversation>(gone()).when(add(by, CLEO)).then_expect_error(Error::HasLeft);
        let add = Command::Add { by, user: CLEO, known_as: friend, now: NOW };
        given::<Conversation>(gone()).when(add).then_expect_events(vec![added(CLEO, by)]);
    }
    let join = Command::Join { user: CLEO, now: NOW };
    given::<Conversation>(gone()).when(join).then_expect_events(vec![joined(CLEO, None)]);
}

#[test]
fn an_invited_person_joins_or_declines() {
    let create = |members, asked| match create(ConversationType::Group, members, false) {
        Command::Create { conversation_type, by, members, title, avatar_url, joining, now, .. } => {
            let invited = asked;
            Command::Create { conversation_type, by, members, invited, title, avatar_url, joining, now }
        }
        other => other,
    };
    let of_two = vec![group(), invited(CLEO, ANA)];
    given::<Conversation>([]).when(create(vec![BOB], vec![CLEO, BOB, CLEO])).then_expect_events(of_two.clone());
    let crowd = (0..MAX_MEMBERS - 1).map(someone).collect();
    given::<Conversation>([]).when(create(vec![BOB], crowd)).then_expect_error(Error::TooManyMembers);

    given::<Conversation>([group()]).when(ask(BOB, CLEO)).then_expect_events(vec![invited(CLEO, BOB)]);
    given::<Conversation>([guarded()]).when(ask(BOB, CLEO)).then_expect_error(Error::LeadOnly);
    given::<Conversation>([guarded(), requested(CLEO)])
        .when(ask(ANA, CLEO))
        .then_expect_events(vec![Event::MemberApproved { user: CLEO, by: ANA }]);
    given::<Conversation>(of_two.clone()).when(ask(BOB, CLEO)).then_expect_events(vec![]);
    given::<Conversation>(of_two.clone()).when(add(BOB, CLEO)).then_expect_events(vec![added(CLEO, BOB)]);

    let us = state::<Conversation>(of_two.clone());
    assert_eq!((us.size(), us.active().collect::<Vec<_>>()), (3, vec![ANA, BOB]));
    assert_eq!(us.may_take_part(CLEO), Err(Error::NotFound));
    let join = || Command::Join { user: CLEO, now: NOW };
    for group in [vec![group()], vec![guarded()]] {
        let asked = group.into_iter().chain([invited(CLEO, ANA)]);
        given::<Conversation>(asked).when(join()).then_expect_events(vec![joined(CLEO, None)]);
    }
    given::<Conversation>([group(), invited(CLEO, BOB), left(ANA), left(BOB)])
        .when(join())
        .then_expect_error(Error::NotFound);
    let decline = Command::Leave { user: CLEO, idle: nobody() };
    given::<Conversation>(of_two.clone()).when(decline).then_expect_events(vec![left(CLEO)]);
    let declined = || of_two.clone().into_iter().chain([left(CLEO)]);
    given::<Conversation>(declined()).when(ask(ANA, CLEO)).then_expect_error(Error::HasLeft);
    let kick = |by| Command::Kick { by, user: CLEO };
    given::<Conversation>(of_two.clone()).when(kick(BOB)).then_expect_error(Error::LeadOnly);
    given::<Conversation>(of_two.clone()).when(kick(ANA)).then_expect_events(vec![kicked(CLEO)]);
    for act in &acts(ANA, CLEO)[1..3] {
        given::<Conversation>(of_two.clone()).when(act.clone()).then_expect_error(Error::NotMember);
    }
    for act in &acts(ANA, CLEO)[3..] {
        given::<Conversation>(of_two.clone()).when(act.clone()).then_expect_error(Error::NoRequest);
    }
    let delete = Command::Delete { by: Some(ANA), hidden: BTreeSet::new() };
    let deleted = Event::Deleted { by: Some(ANA), members: vec![ANA, BOB], pending: vec![CLEO] };
    given::<Conversation>(of_two).when(delete).then_expect_events(vec![deleted]);
}

#[test]
fn whom_a_lead_has_blocked_a_lead_alone_adds() {
    let shunned = Newcomer { is_friend: true, is_shunned: true, is_unreachable: false };
    let add = |by| Command::Add { by, user: CLEO, known_as: shunned, now: NOW };
    given::<Conversation>([group()]).when(add(BOB)).then_expect_error(Error::LeadOnly);
    given::<Conversation>([group()]).when(add(ANA)).then_expect_events(vec![added(CLEO, ANA)]);
}
