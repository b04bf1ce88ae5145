//! Given/when/then for each branch of each command.

use super::{ConversationCommand as Command, ConversationError as Error, ConversationEvent as Event, *};
use crate::{
    Personal, Refusal, RefusalKind, UserId,
    id::InviteId,
    testing::{ANA, BOB, CLEO, EVE, given, state},
    text::{Link, Title},
};
use uuid::Uuid;

fn title(text: &str) -> Option<Title> {
    Title::parse(text).ok()
}

fn settings(text: &str) -> Settings {
    Settings { title: title(text), avatar_url: None }
}

fn create(conversation_type: ConversationType, members: Vec<UserId>, approval: bool) -> Command {
    Command::Create { conversation_type, by: ANA, members, title: title("Us"), avatar_url: None, approval }
}

pub(super) fn created(conversation_type: ConversationType, members: Vec<UserId>, approval: bool) -> Event {
    let settings = if conversation_type == ConversationType::Group { settings("Us") } else { Settings::default() };
    Event::Created { conversation_type, created_by: ANA, members, settings: Personal::new(ANA, settings), approval }
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
    Event::MemberRequested { user, invite: None }
}

pub(super) fn joined(user: UserId, invite: Option<InviteId>) -> Event {
    Event::MemberJoined { user, invite }
}

pub(super) fn someone(n: usize) -> UserId {
    UserId(Uuid::from_u128(1_000 + n as u128))
}

/// What a lead alone may do to another, by name.
fn acts(by: UserId, user: UserId) -> [Command; 5] {
    [
        Command::Kick { by, user },
        Command::Promote { by, user },
        Command::Demote { by, user },
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
    let update = |by, change| Command::Update { by, change };
    let keep = SettingsChange::default();
    let rename = |text| SettingsChange { title: Some(title(text)), ..SettingsChange::default() };
    let updated = |text, approval| Event::Updated { by: ANA, settings: Personal::new(ANA, settings(text)), approval };
    given::<Conversation>([group()]).when(update(ANA, rename("We"))).then_expect_events(vec![updated("We", false)]);
    let strict = SettingsChange { approval: Some(true), ..SettingsChange::default() };
    given::<Conversation>([group()]).when(update(ANA, strict)).then_expect_events(vec![updated("Us", true)]);
    let link = Link::parse("/files/1").ok();
    let pictured = Settings { title: None, avatar_url: link.clone() };
    let change = SettingsChange { title: Some(None), avatar_url: Some(link), approval: None };
    let pictured = Event::Updated { by: ANA, settings: Personal::new(ANA, pictured), approval: false };
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
    let lost = Event::Updated { by: ANA, settings: Personal::forgotten(ANA), approval: false };
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
fn anybody_joins_or_asks_to() {
    let join = |user| Command::Join { user };
    given::<Conversation>([group()]).when(join(CLEO)).then_expect_events(vec![joined(CLEO, None)]);
    given::<Conversation>([guarded()]).when(join(CLEO)).then_expect_events(vec![requested(CLEO)]);
    given::<Conversation>([group()]).when(join(BOB)).then_expect_events(vec![]);
    given::<Conversation>([guarded(), requested(CLEO)]).when(join(CLEO)).then_expect_events(vec![]);
    let deserted = [ANA, BOB].map(|user| Event::MemberLeft { user });
    let deserted = [group()].into_iter().chain(deserted).collect();
    for events in [vec![], vec![direct()], vec![group(), gone()], deserted] {
        given::<Conversation>(events).when(join(CLEO)).then_expect_error(Error::NotFound);
    }
    let full = created(ConversationType::Group, (0..MAX_MEMBERS).map(someone).collect(), false);
    given::<Conversation>([full]).when(join(CLEO)).then_expect_error(Error::TooManyMembers);
    let asked = state::<Conversation>([guarded(), requested(CLEO)]);
    assert_eq!(asked.member(CLEO).map(|member| member.status), Some(MemberStatus::Pending));
    assert_eq!(asked.may_take_part(CLEO), Err(Error::NotFound));
}

#[test]
fn whoever_leaves_leaves_a_lead_behind() {
    let leave = |user| Command::Leave { user };
    let left = |user| Event::MemberLeft { user };
    let promoted = |user, by| Event::MemberPromoted { user, by };
    given::<Conversation>([group()]).when(leave(BOB)).then_expect_events(vec![left(BOB)]);
    given::<Conversation>([guarded(), requested(CLEO)]).when(leave(CLEO)).then_expect_events(vec![left(CLEO)]);
    // Who came first inherits; who only asked does not.
    let crowd = || [guarded(), requested(EVE), Event::MemberAdded { user: CLEO, by: ANA }];
    let heirs = vec![promoted(BOB, ANA), left(ANA)];
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
    let add = |by, user| Command::Add { by, user };
    let added = |user, by| Event::MemberAdded { user, by };
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
    let promoted = || Event::MemberPromoted { user, by };
    let [kick, promote, demote, ..] = acts(by, user);
    given::<Conversation>([group()]).when(kick.clone()).then_expect_events(vec![Event::MemberKicked { user, by }]);
    given::<Conversation>([group(), promoted()]).when(kick).then_expect_events(vec![Event::MemberKicked { user, by }]);
    given::<Conversation>([group()]).when(promote.clone()).then_expect_events(vec![promoted()]);
    given::<Conversation>([group(), promoted()]).when(promote).then_expect_events(vec![]);
    given::<Conversation>([group()]).when(demote.clone()).then_expect_events(vec![]);
    let demoted = vec![Event::MemberDemoted { user, by }];
    given::<Conversation>([group(), promoted()]).when(demote).then_expect_events(demoted);
    given::<Conversation>([group()]).when(Command::Kick { by, user: ANA }).then_expect_error(Error::KicksOneself);
    given::<Conversation>([group()]).when(Command::Demote { by, user: ANA }).then_expect_error(Error::LastLead);
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
fn each_refusal_has_its_word() {
    for (refusal, code, kind, field) in [
        (Error::NotFound, "not_found", RefusalKind::NotFound, None),
        (Error::AlreadyExists, "already_exists", RefusalKind::Conflict, None),
        (Error::OneOther, "one_other", RefusalKind::Invalid, Some("members")),
        (Error::TooManyMembers, "too_many_members", RefusalKind::Invalid, Some("members")),
        (Error::DirectConversation, "direct_conversation", RefusalKind::Conflict, None),
        (Error::LeadOnly, "lead_only", RefusalKind::Forbidden, None),
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
