//! Given/when/then for each branch of the commands on a conversation as a whole.

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

pub(super) fn create(conversation_type: ConversationType, members: Vec<UserId>, approval: bool) -> Command {
    let (joining, invited) = (Joining::of_approval(approval), vec![]);
    Command::Create {
        conversation_type,
        by: ANA,
        members,
        invited,
        title: title("Us"),
        avatar_url: None,
        joining,
        now: NOW,
    }
}

pub(super) fn created(conversation_type: ConversationType, members: Vec<UserId>, approval: bool) -> Event {
    let settings = if conversation_type == ConversationType::Group { settings("Us") } else { Settings::default() };
    let (settings, joining) = (Personal::new(ANA, settings), Some(Joining::of_approval(approval)));
    Event::Created { conversation_type, created_by: ANA, members, settings, approval, joining }
}

/// Of Ana and Bob; open.
pub(super) fn open() -> Event {
    let settings = Personal::new(ANA, settings("Us"));
    let (conversation_type, members, joining) = (ConversationType::Group, vec![ANA, BOB], Some(Joining::Open));
    Event::Created { conversation_type, created_by: ANA, members, settings, approval: false, joining }
}

pub(super) fn nobody() -> BTreeSet<UserId> {
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
fn its_creator_leads_a_group_and_a_direct_conversation_has_no_lead() {
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
    let delete = |by| Command::Delete { by, hidden: BTreeSet::new() };
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
    let remove = Command::Remove { by: EVE, hidden: BTreeSet::new() };
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
    let friend = Newcomer { is_friend: true, ..Newcomer::default() };
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
fn joining_precedes_approval() {
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
