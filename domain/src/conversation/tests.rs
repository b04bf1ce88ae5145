//! Given/when/then for each branch of each command.

use super::{ConversationCommand as Command, ConversationError as Error, ConversationEvent as Event, *};
use crate::{
    Personal, Refusal, RefusalKind, UserId,
    id::InviteId,
    testing::{ANA, BOB, CLEO, EVE, NOW, given, state},
    text::{Link, Title},
};
use std::collections::BTreeSet;
use uuid::Uuid;

fn title(text: &str) -> Option<Title> {
    Title::parse(text).ok()
}

fn settings(text: &str) -> Settings {
    Settings { title: title(text), avatar_url: None }
}

fn create(conversation_type: ConversationType, members: Vec<UserId>, approval: bool) -> Command {
    let joining = Joining::of_approval(approval);
    Command::Create { conversation_type, by: ANA, members, title: title("Us"), avatar_url: None, joining }
}

pub(super) fn created(conversation_type: ConversationType, members: Vec<UserId>, approval: bool) -> Event {
    let settings = if conversation_type == ConversationType::Group { settings("Us") } else { Settings::default() };
    let (settings, joining) = (Personal::new(ANA, settings), Some(Joining::of_approval(approval)));
    Event::Created { conversation_type, created_by: ANA, members, settings, approval, joining }
}

/// Of Ana and Bob; whoever has the id may come.
fn open() -> Event {
    let settings = Personal::new(ANA, settings("Us"));
    let (conversation_type, members, joining) = (ConversationType::Group, vec![ANA, BOB], Some(Joining::Open));
    Event::Created { conversation_type, created_by: ANA, members, settings, approval: false, joining }
}

fn added(user: UserId, by: UserId) -> Event {
    Event::MemberAdded { user, by, at: Some(NOW) }
}

fn promoted(user: UserId, by: UserId) -> Event {
    Event::MemberPromoted { user, by, at: Some(NOW) }
}

/// The lead goes over to `user`: nobody asked for it.
fn inherited(user: UserId, by: UserId) -> Event {
    Event::MemberPromoted { user, by, at: None }
}

fn left(user: UserId) -> Event {
    Event::MemberLeft { user }
}

fn kicked(user: UserId) -> Event {
    Event::MemberKicked { user, by: ANA }
}

fn add(by: UserId, user: UserId) -> Command {
    Command::Add { by, user, known_as: Newcomer::default(), now: NOW }
}

fn nobody() -> BTreeSet<UserId> {
    BTreeSet::new()
}

/// Ana leads, Bob is a member.
pub(super) fn group() -> Event {
    created(ConversationType::Group, vec![ANA, BOB], false)
}

pub(super) fn guarded() -> Event {
    created(ConversationType::Group, vec![ANA, BOB], true)
}

pub(super) fn direct() -> Event {
    created(ConversationType::Direct, vec![ANA, BOB], false)
}

pub(super) fn gone() -> Event {
    Event::Deleted { by: Some(ANA), members: vec![ANA, BOB], pending: vec![] }
}

pub(super) fn requested(user: UserId) -> Event {
    Event::MemberRequested { user, invite: None, at: Some(NOW) }
}

pub(super) fn joined(user: UserId, invite: Option<InviteId>) -> Event {
    Event::MemberJoined { user, invite, at: Some(NOW) }
}

pub(super) fn someone(n: usize) -> UserId {
    UserId(Uuid::from_u128(1_000 + n as u128))
}

/// What a lead alone may do to another, by name.
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
fn it_is_created_once_with_each_member_once() {
    let (direct_type, group_type) = (ConversationType::Direct, ConversationType::Group);
    given::<Conversation>([]).when(create(group_type, vec![BOB, ANA, BOB], true)).then_expect_events(vec![guarded()]);
    // A direct one has no settings.
    given::<Conversation>([]).when(create(direct_type, vec![BOB], true)).then_expect_events(vec![direct()]);
    for existing in [vec![group()], vec![group(), gone()]] {
        given::<Conversation>(existing).when(create(group_type, vec![], false)).then_expect_error(Error::AlreadyExists);
    }
    for others in [vec![], vec![ANA], vec![BOB, CLEO]] {
        given::<Conversation>([]).when(create(direct_type, others, false)).then_expect_error(Error::OneOther);
    }
    let crowd: Vec<_> = (0..MAX_MEMBERS).map(someone).collect();
    given::<Conversation>([]).when(create(group_type, crowd, false)).then_expect_error(Error::TooManyMembers);
}

#[test]
fn its_creator_leads_a_group_and_nobody_a_direct_one() {
    let us = state::<Conversation>([group()]);
    assert!(us.is_lead(ANA) && !us.is_lead(BOB) && !us.is_lead(EVE));
    assert_eq!((us.created_by(), us.settings(), us.approval()), (ANA, &settings("Us"), false));
    assert_eq!((us.conversation_type(), us.other(ANA)), (ConversationType::Group, None));
    let pair = state::<Conversation>([direct()]);
    assert!(!pair.is_lead(ANA));
    assert_eq!((pair.other(ANA), pair.other(BOB)), (Some(BOB), Some(ANA)));
    assert_eq!(pair.may_take_part(EVE), Err(Error::NotFound));
}

#[test]
fn a_lead_updates_a_group() {
    let update = |by, change| Command::Update { by, change, now: NOW };
    let keep = SettingsChange::default();
    let rename = |text| SettingsChange { title: Some(title(text)), ..SettingsChange::default() };
    let changed = |settings, joining| Event::Updated {
        by: ANA,
        settings: Personal::new(ANA, settings),
        approval: joining == Joining::Approval,
        joining: Some(joining),
        at: Some(NOW),
    };
    let updated = |text, approval| changed(settings(text), Joining::of_approval(approval));
    given::<Conversation>([group()]).when(update(ANA, rename("We"))).then_expect_events(vec![updated("We", false)]);
    let strict = SettingsChange { approval: Some(true), ..SettingsChange::default() };
    given::<Conversation>([group()]).when(update(ANA, strict)).then_expect_events(vec![updated("Us", true)]);
    let link = Link::parse("/files/1").ok();
    let pictured = Settings { title: None, avatar_url: link.clone() };
    let change = SettingsChange { title: Some(None), avatar_url: Some(link), ..SettingsChange::default() };
    let pictured = changed(pictured, Joining::Invite);
    given::<Conversation>([group()]).when(update(ANA, change)).then_expect_events(vec![pictured]);
    for nothing in [keep.clone(), rename("Us")] {
        given::<Conversation>([group()]).when(update(ANA, nothing)).then_expect_events(vec![]);
    }
    for (events, by, refusal) in [
        (vec![], ANA, Error::NotFound),
        (vec![group()], EVE, Error::NotFound),
        (vec![group()], BOB, Error::LeadOnly),
        (vec![direct()], ANA, Error::DirectConversation),
        (vec![group(), gone()], ANA, Error::NotFound),
    ] {
        given::<Conversation>(events).when(update(by, rename("We"))).then_expect_error(refusal);
    }
    let now = state::<Conversation>([group(), updated("We", true)]);
    assert_eq!((now.settings(), now.approval()), (&settings("We"), true));
    let settings = Personal::forgotten(ANA);
    let lost = Event::Updated { by: ANA, settings, approval: false, joining: None, at: None };
    assert_eq!(state::<Conversation>([group(), lost]).settings(), &Settings::default());
}

#[test]
fn a_lead_or_the_system_deletes_it() {
    let delete = |by| Command::Delete { by };
    let deleted = |by| Event::Deleted { by, members: vec![ANA, BOB], pending: vec![CLEO] };
    let asked = || [guarded(), requested(CLEO)];
    given::<Conversation>(asked()).when(delete(Some(ANA))).then_expect_events(vec![deleted(Some(ANA))]);
    given::<Conversation>(asked()).when(delete(None)).then_expect_events(vec![deleted(None)]);
    given::<Conversation>([group(), gone()]).when(delete(None)).then_expect_events(vec![]);
    given::<Conversation>([]).when(delete(None)).then_expect_events(vec![]);
    for (events, by, refusal) in [
        (vec![group()], BOB, Error::LeadOnly),
        (vec![group()], EVE, Error::NotFound),
        (vec![direct()], ANA, Error::DirectConversation),
        (vec![group(), gone()], ANA, Error::NotFound),
    ] {
        given::<Conversation>(events).when(delete(Some(by))).then_expect_error(refusal);
    }
    let after = state::<Conversation>([group(), gone()]);
    assert!(!after.is_live() && after.active().next().is_none());
}

#[test]
fn an_administrator_ends_any_conversation() {
    let remove = Command::Remove { by: EVE };
    let deleted = |pending| Event::Deleted { by: Some(EVE), members: vec![ANA, BOB], pending };
    given::<Conversation>([]).when(remove.clone()).then_expect_error(Error::NotFound);
    given::<Conversation>([group(), gone()]).when(remove.clone()).then_expect_error(Error::NotFound);
    given::<Conversation>([guarded(), requested(CLEO)])
        .when(remove.clone())
        .then_expect_events(vec![deleted(vec![CLEO])]);
    given::<Conversation>([direct()]).when(remove).then_expect_events(vec![deleted(vec![])]);
    let again = create(ConversationType::Direct, vec![BOB], false);
    given::<Conversation>([direct(), deleted(vec![])]).when(again).then_expect_error(Error::AlreadyExists);
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
fn whoever_leaves_leaves_a_lead_behind() {
    let leave = |user| Command::Leave { user, idle: nobody() };
    given::<Conversation>([group()]).when(leave(BOB)).then_expect_events(vec![left(BOB)]);
    given::<Conversation>([guarded(), requested(CLEO)]).when(leave(CLEO)).then_expect_events(vec![left(CLEO)]);
    // Who came first inherits; who only asked does not.
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
    // Who asked to join is no member yet.
    for command in acts(ANA, CLEO).into_iter().take(3) {
        given::<Conversation>([guarded()]).when(command.clone()).then_expect_error(Error::NotMember);
        given::<Conversation>([guarded(), requested(CLEO)]).when(command).then_expect_error(Error::NotMember);
    }
    assert!(state::<Conversation>([group(), Event::MemberKicked { user, by }]).member(BOB).is_none());
    assert!(!state::<Conversation>([group(), promoted(), Event::MemberDemoted { user, by }]).is_lead(BOB));
}

#[test]
fn a_lead_lets_in_or_turns_down_who_asked() {
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
fn who_cannot_act_is_no_heir() {
    let crowd = || [group(), added(CLEO, ANA), added(EVE, ANA)];
    let leave = |idle: &[UserId]| Command::Leave { user: ANA, idle: idle.iter().copied().collect() };
    given::<Conversation>(crowd()).when(leave(&[BOB])).then_expect_events(vec![inherited(CLEO, ANA), left(ANA)]);
    // A lead who cannot act is none, and if nobody can, the next one leads when they can again.
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
fn a_group_whose_leads_cannot_act_gets_one_who_can() {
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
    let friend = Newcomer { is_friend: true, is_shunned: false };
    let by_friend = Command::Add { by: BOB, user: CLEO, known_as: friend, now: NOW };
    given::<Conversation>([group(), joined(CLEO, None), kicked(CLEO)])
        .when(by_friend)
        .then_expect_error(Error::LeadOnly);
}

#[test]
fn who_has_left_is_added_by_a_friend_alone() {
    let gone = || [open(), joined(CLEO, None), left(CLEO)];
    let friend = Newcomer { is_friend: true, is_shunned: false };
    for by in [ANA, BOB] {
        given::<Conversation>(gone()).when(add(by, CLEO)).then_expect_error(Error::HasLeft);
        let add = Command::Add { by, user: CLEO, known_as: friend, now: NOW };
        given::<Conversation>(gone()).when(add).then_expect_events(vec![added(CLEO, by)]);
    }
    let join = Command::Join { user: CLEO, now: NOW };
    given::<Conversation>(gone()).when(join).then_expect_events(vec![joined(CLEO, None)]);
}

#[test]
fn whom_a_lead_has_blocked_a_lead_alone_adds() {
    let shunned = Newcomer { is_friend: true, is_shunned: true };
    let add = |by| Command::Add { by, user: CLEO, known_as: shunned, now: NOW };
    given::<Conversation>([group()]).when(add(BOB)).then_expect_error(Error::LeadOnly);
    given::<Conversation>([group()]).when(add(ANA)).then_expect_events(vec![added(CLEO, ANA)]);
}

#[test]
fn coming_and_going_is_paced() {
    let mut us = state::<Conversation>([open()]);
    let decided = |us: &mut Conversation, command: Command| {
        let events = crate::Aggregate::decide(us, command)?;
        events.into_iter().for_each(|event| cqrs_es::Aggregate::apply(us, event));
        Ok(())
    };
    let join = Command::Join { user: CLEO, now: NOW };
    for _ in 0..ARRIVALS.burst {
        decided(&mut us, join.clone()).unwrap();
        decided(&mut us, Command::Leave { user: CLEO, idle: nobody() }).unwrap();
    }
    let too_often = |pace: crate::Pace| Err(Error::TooOften { wait_ms: pace.every_ms });
    let friend = Newcomer { is_friend: true, is_shunned: false };
    let add = Command::Add { by: ANA, user: CLEO, known_as: friend, now: NOW };
    for again in [join, add] {
        assert_eq!(decided(&mut us, again), too_often(ARRIVALS));
    }
    let later = crate::Timestamp::from_millis(NOW.millis() + ARRIVALS.every_ms);
    decided(&mut us, Command::Join { user: CLEO, now: later }).unwrap();

    for _ in 0..PROMOTIONS.burst {
        decided(&mut us, Command::Promote { by: ANA, user: BOB, now: NOW }).unwrap();
        decided(&mut us, Command::Demote { by: ANA, user: BOB, idle: nobody() }).unwrap();
    }
    assert_eq!(decided(&mut us, Command::Promote { by: ANA, user: BOB, now: NOW }), too_often(PROMOTIONS));
    let rename = |n: i64| {
        let change = SettingsChange { title: Some(title(&n.to_string())), ..SettingsChange::default() };
        Command::Update { by: ANA, change, now: NOW }
    };
    for n in 0..UPDATES.burst {
        decided(&mut us, rename(n)).unwrap();
    }
    assert_eq!(decided(&mut us, rename(-1)), too_often(UPDATES));
}

#[test]
fn joining_says_what_approval_says_and_more() {
    let after = |events: Vec<Event>, change| {
        let us = state::<Conversation>(events);
        let events = crate::Aggregate::decide(&us, Command::Update { by: ANA, change, now: NOW }).unwrap();
        events.into_iter().fold(us, |mut us, event| {
            cqrs_es::Aggregate::apply(&mut us, event);
            us
        })
    };
    let approval = |approval| SettingsChange { approval: Some(approval), ..SettingsChange::default() };
    let joining = |joining| SettingsChange { joining: Some(joining), ..SettingsChange::default() };
    for (from, change, to) in [
        (group(), approval(true), Joining::Approval),
        (guarded(), approval(false), Joining::Invite),
        (open(), approval(false), Joining::Open),
        (open(), approval(true), Joining::Approval),
        (group(), joining(Joining::Open), Joining::Open),
        (guarded(), joining(Joining::Open), Joining::Open),
        (open(), joining(Joining::Invite), Joining::Invite),
        (open(), SettingsChange { approval: Some(true), ..joining(Joining::Invite) }, Joining::Invite),
    ] {
        assert_eq!(after(vec![from], change).joining(), to);
    }
    // Older events do not name it.
    for (approval, joining) in [(false, Joining::Invite), (true, Joining::Approval)] {
        let settings = Personal::new(ANA, settings("Us"));
        let (conversation_type, members) = (ConversationType::Group, vec![ANA, BOB]);
        let before = Event::Created { conversation_type, created_by: ANA, members, settings, approval, joining: None };
        assert_eq!(state::<Conversation>([before]).joining(), joining);
    }
}

#[test]
fn each_refusal_has_its_word() {
    for (refusal, code, kind, field) in [
        (Error::NotFound, "not_found", RefusalKind::NotFound, None),
        (Error::AlreadyExists, "already_exists", RefusalKind::Conflict, None),
        (Error::OneOther, "one_other", RefusalKind::Invalid, Some("members")),
        (Error::TooManyMembers, "too_many_members", RefusalKind::Invalid, Some("members")),
        (Error::DirectConversation, "direct_conversation", RefusalKind::Conflict, None),
        (Error::LeadOnly, "lead_only", RefusalKind::Forbidden, None),
        (Error::HasLeft, "has_left", RefusalKind::Forbidden, None),
        (Error::TooOften { wait_ms: 1 }, "too_often", RefusalKind::Conflict, None),
        (Error::NotMember, "not_member", RefusalKind::Conflict, None),
        (Error::AlreadyMember, "already_member", RefusalKind::Conflict, None),
        (Error::NoRequest, "no_request", RefusalKind::Conflict, None),
        (Error::LastLead, "last_lead", RefusalKind::Conflict, None),
        (Error::KicksOneself, "kicks_oneself", RefusalKind::Invalid, Some("userId")),
        (Error::InviteNotFound, "invite_not_found", RefusalKind::NotFound, None),
        (Error::TooManyInvites, "too_many_invites", RefusalKind::Conflict, None),
        (Error::InviteOver, "in_the_past", RefusalKind::Invalid, Some("expiresAt")),
    ] {
        assert_eq!((refusal.code(), refusal.kind(), refusal.field()), (code, kind, field));
    }
}
