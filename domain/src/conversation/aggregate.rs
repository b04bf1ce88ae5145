//! The state of a conversation and the decisions over it.

use super::{
    ConversationCommand, ConversationError, ConversationEvent, ConversationType, Invite, Invites, Joining, Member,
    MemberRole, MemberStatus, NewInvite, Newcomer, Settings, SettingsChange,
    former::{Act, Former, Parting, Turnover},
};
use crate::{Aggregate, AggregateType, Personal, Timestamp, UserId, handle_by_deciding, id::InviteId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The most members, those who asked to join included, that a conversation can have.
pub const MAX_MEMBERS: usize = 1_000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Life {
    #[default]
    Unborn,
    Live,
    Deleted,
}

/// The state of a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    life: Life,
    conversation_type: ConversationType,
    created_by: UserId,
    settings: Settings,
    settings_by: UserId,
    joining: Joining,
    members: BTreeMap<UserId, Member>,
    arrivals: u64,
    #[serde(default)]
    invites: Invites,
    #[serde(default)]
    former: Former,
    #[serde(default)]
    turnover: Turnover,
}

/// Who leads a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Succession {
    /// This lead does.
    Lead(UserId),
    /// No lead does; this member comes next.
    Heir(UserId),
    /// Nobody can.
    Nobody,
}

impl Conversation {
    /// Whether it exists and was not deleted.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.life == Life::Live
    }

    /// Direct or group.
    #[must_use]
    pub const fn conversation_type(&self) -> ConversationType {
        self.conversation_type
    }

    /// Who opened it.
    #[must_use]
    pub const fn created_by(&self) -> UserId {
        self.created_by
    }

    /// Title and picture.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whose title and picture they are.
    #[must_use]
    pub const fn settings_by(&self) -> UserId {
        self.settings_by
    }

    /// How people come into a group by themselves.
    #[must_use]
    pub const fn joining(&self) -> Joining {
        self.joining
    }

    /// Whether joining needs approval.
    #[must_use]
    pub fn approval(&self) -> bool {
        self.joining == Joining::Approval
    }

    /// The invites into it.
    #[must_use]
    pub const fn invites(&self) -> &Invites {
        &self.invites
    }

    /// The member, active or pending.
    #[must_use]
    pub fn member(&self, user: UserId) -> Option<&Member> {
        self.members.get(&user)
    }

    /// How many people are remembered who are not in it.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.former.len() + self.turnover.len()
    }

    /// Those who lead, whether they can act or not.
    pub fn leads(&self) -> impl Iterator<Item = UserId> + '_ {
        self.members.iter().filter(|(_, member)| member.role == MemberRole::Lead).map(|(user, _)| *user)
    }

    /// Who leads of those who are not `idle` once `without` is gone: the lead or else the member who has been in it for
    /// longest. Whoever asks finds out whether the one answered can act, and asks again with those who cannot in `idle`.
    #[must_use]
    pub fn succession(&self, without: Option<UserId>, idle: &BTreeSet<UserId>) -> Succession {
        let able = self.members.iter().filter(|(user, member)| {
            member.status == MemberStatus::Active && Some(**user) != without && !idle.contains(*user)
        });
        match able.min_by_key(|(_, member)| (member.role != MemberRole::Lead, member.order)) {
            Some((user, member)) if member.role == MemberRole::Lead => Succession::Lead(*user),
            Some((user, _)) => Succession::Heir(*user),
            None => Succession::Nobody,
        }
    }

    /// How many are in, or have asked to be.
    #[must_use]
    pub fn size(&self) -> usize {
        self.members.len()
    }

    /// Those who are in.
    pub fn active(&self) -> impl Iterator<Item = UserId> + '_ {
        self.with_status(MemberStatus::Active)
    }

    /// The other one of a direct conversation.
    #[must_use]
    pub fn other(&self, user: UserId) -> Option<UserId> {
        if self.conversation_type == ConversationType::Group {
            return None;
        }
        self.members.keys().copied().find(|member| *member != user)
    }

    /// Whether `user` takes part now: reads, posts, reacts.
    ///
    /// # Errors
    /// [`ConversationError::NotFound`]: to others it does not exist.
    pub fn may_take_part(&self, user: UserId) -> Result<(), ConversationError> {
        self.active_member(user).map(|_| ())
    }

    /// Whether `user` is an active lead.
    #[must_use]
    pub fn is_lead(&self, user: UserId) -> bool {
        self.active_member(user).is_ok_and(|member| member.role == MemberRole::Lead)
    }

    fn with_status(&self, status: MemberStatus) -> impl Iterator<Item = UserId> + '_ {
        self.members.iter().filter(move |(_, member)| member.status == status).map(|(user, _)| *user)
    }

    fn active_member(&self, user: UserId) -> Result<&Member, ConversationError> {
        let member = self.members.get(&user).filter(|member| self.is_live() && member.status == MemberStatus::Active);
        member.ok_or(ConversationError::NotFound)
    }

    fn group_only(&self) -> Result<(), ConversationError> {
        match self.conversation_type {
            ConversationType::Group => Ok(()),
            ConversationType::Direct => Err(ConversationError::DirectConversation),
        }
    }

    /// `by` is an active lead of a group.
    fn led_by(&self, by: UserId) -> Result<(), ConversationError> {
        let member = self.active_member(by)?;
        self.group_only()?;
        if member.role == MemberRole::Lead { Ok(()) } else { Err(ConversationError::LeadOnly) }
    }

    fn target(&self, user: UserId) -> Result<&Member, ConversationError> {
        self.active_member(user).map_err(|_| ConversationError::NotMember)
    }

    fn requested(&self, user: UserId) -> Result<(), ConversationError> {
        let pending = self.member(user).is_some_and(|member| member.status == MemberStatus::Pending);
        if pending { Ok(()) } else { Err(ConversationError::NoRequest) }
    }

    /// `user` may do it once more.
    fn within_pace(&self, user: UserId, act: Act, now: Timestamp) -> Result<(), ConversationError> {
        match self.turnover.wait_ms(user, act, now) {
            Some(wait_ms) => Err(ConversationError::TooOften { wait_ms }),
            None => Ok(()),
        }
    }

    fn room_for_one(&self) -> Result<(), ConversationError> {
        if self.members.len() < MAX_MEMBERS { Ok(()) } else { Err(ConversationError::TooManyMembers) }
    }

    fn create(&self, command: ConversationCommand) -> Result<Vec<ConversationEvent>, ConversationError> {
        let ConversationCommand::Create { conversation_type, by, members: others, title, avatar_url, joining } =
            command
        else {
            return Ok(vec![]);
        };
        if self.life != Life::Unborn {
            return Err(ConversationError::AlreadyExists);
        }
        let mut members = vec![by];
        for user in others {
            if !members.contains(&user) {
                members.push(user);
            }
        }
        if members.len() > MAX_MEMBERS {
            return Err(ConversationError::TooManyMembers);
        }
        let group = conversation_type == ConversationType::Group;
        if !group && members.len() != 2 {
            return Err(ConversationError::OneOther);
        }
        let settings = if group { Settings { title, avatar_url } } else { Settings::default() };
        let joining = if group { joining } else { Joining::default() };
        Ok(vec![ConversationEvent::Created {
            conversation_type,
            created_by: by,
            members,
            settings: Personal::new(by, settings),
            approval: joining == Joining::Approval,
            joining: Some(joining),
        }])
    }

    fn update(
        &self,
        by: UserId,
        change: SettingsChange,
        now: Timestamp,
    ) -> Result<Vec<ConversationEvent>, ConversationError> {
        self.led_by(by)?;
        let settings = Settings {
            title: change.title.unwrap_or_else(|| self.settings.title.clone()),
            avatar_url: change.avatar_url.unwrap_or_else(|| self.settings.avatar_url.clone()),
        };
        let joining = match (change.joining, change.approval) {
            (Some(joining), _) => joining,
            // No approval is needed of who comes to an open group, either.
            (None, Some(approval)) if approval != self.approval() => Joining::of_approval(approval),
            (None, _) => self.joining,
        };
        if settings == self.settings && joining == self.joining {
            return Ok(vec![]);
        }
        self.within_pace(by, Act::Update, now)?;
        let (settings, approval) = (Personal::new(by, settings), joining == Joining::Approval);
        Ok(vec![ConversationEvent::Updated { by, settings, approval, joining: Some(joining), at: Some(now) }])
    }

    fn join(&self, user: UserId, now: Timestamp) -> Result<Vec<ConversationEvent>, ConversationError> {
        if !self.is_live() || self.conversation_type == ConversationType::Direct {
            return Err(ConversationError::NotFound);
        }
        if self.members.contains_key(&user) {
            return Ok(vec![]);
        }
        // A group that all have left is over, even before it is deleted: nobody would lead it.
        if self.active().next().is_none() {
            return Err(ConversationError::NotFound);
        }
        if self.joining == Joining::Invite || self.former.parting(user) == Some(Parting::Removed) {
            return Err(ConversationError::NotFound);
        }
        self.room_for_one()?;
        self.within_pace(user, Act::Arrive, now)?;
        let (invite, at) = (None, Some(now));
        Ok(vec![if self.approval() {
            ConversationEvent::MemberRequested { user, invite, at }
        } else {
            ConversationEvent::MemberJoined { user, invite, at }
        }])
    }

    fn leave(&self, user: UserId, idle: &BTreeSet<UserId>) -> Result<Vec<ConversationEvent>, ConversationError> {
        let member = self.members.get(&user).filter(|_| self.is_live()).ok_or(ConversationError::NotFound)?;
        self.group_only()?;
        let mut events = vec![ConversationEvent::MemberLeft { user }];
        if member.role == MemberRole::Lead {
            let heir = match self.succession(Some(user), idle) {
                // None of them can act: the next one leads as soon as they can.
                Succession::Nobody => self.succession(Some(user), &BTreeSet::new()),
                able => able,
            };
            if let Succession::Heir(heir) = heir {
                events.insert(0, ConversationEvent::MemberPromoted { user: heir, by: user, at: None });
            }
        }
        Ok(events)
    }

    /// The first of the leads hands over: none of them can act.
    fn settle(&self, idle: &BTreeSet<UserId>) -> Vec<ConversationEvent> {
        let Succession::Heir(user) = self.succession(None, idle) else { return Vec::new() };
        if !self.is_live() || self.conversation_type == ConversationType::Direct {
            return Vec::new();
        }
        let by = match self.succession(None, &BTreeSet::new()) {
            Succession::Lead(lead) => lead,
            _ => user,
        };
        vec![ConversationEvent::MemberPromoted { user, by, at: None }]
    }

    fn promote(&self, by: UserId, user: UserId, now: Timestamp) -> Result<Vec<ConversationEvent>, ConversationError> {
        match self.target(user)?.role {
            MemberRole::Lead => Ok(vec![]),
            MemberRole::Member => {
                self.within_pace(user, Act::BePromoted, now)?;
                Ok(vec![ConversationEvent::MemberPromoted { user, by, at: Some(now) }])
            }
        }
    }

    fn demote(
        &self,
        by: UserId,
        user: UserId,
        idle: &BTreeSet<UserId>,
    ) -> Result<Vec<ConversationEvent>, ConversationError> {
        self.led_by(by)?;
        if self.target(user)?.role == MemberRole::Member {
            return Ok(vec![]);
        }
        match self.succession(Some(user), idle) {
            Succession::Lead(_) => Ok(vec![ConversationEvent::MemberDemoted { user, by }]),
            Succession::Heir(_) | Succession::Nobody => Err(ConversationError::LastLead),
        }
    }

    fn add(
        &self,
        by: UserId,
        user: UserId,
        known_as: Newcomer,
        now: Timestamp,
    ) -> Result<Vec<ConversationEvent>, ConversationError> {
        let leads = self.active_member(by)?.role == MemberRole::Lead;
        self.group_only()?;
        if self.approval() {
            self.led_by(by)?;
        }
        let parting = self.former.parting(user);
        match self.member(user).map(|member| member.status) {
            Some(MemberStatus::Active) => Err(ConversationError::AlreadyMember),
            _ if !leads && (known_as.is_shunned || parting == Some(Parting::Removed)) => {
                Err(ConversationError::LeadOnly)
            }
            Some(MemberStatus::Pending) => Ok(vec![ConversationEvent::MemberApproved { user, by }]),
            None if parting == Some(Parting::Left) && !known_as.is_friend => Err(ConversationError::HasLeft),
            None => {
                self.room_for_one()?;
                self.within_pace(user, Act::Arrive, now)?;
                Ok(vec![ConversationEvent::MemberAdded { user, by, at: Some(now) }])
            }
        }
    }

    fn create_invite(
        &self,
        by: UserId,
        invite: NewInvite,
        now: Timestamp,
    ) -> Result<Vec<ConversationEvent>, ConversationError> {
        self.active_member(by)?;
        self.group_only()?;
        if self.approval() {
            self.led_by(by)?;
        }
        let NewInvite { id, code, expires_at, max_uses } = invite;
        if self.invites.get(id).is_some() {
            return Ok(vec![]);
        }
        if expires_at.is_some_and(|end| end <= now) {
            return Err(ConversationError::InviteOver);
        }
        if !self.invites.has_room(now) {
            return Err(ConversationError::TooManyInvites);
        }
        self.within_pace(by, Act::Invite, now)?;
        let code = Personal::new(by, code);
        Ok(vec![ConversationEvent::InviteCreated { invite: id, by, code, made_at: now, expires_at, max_uses }])
    }

    fn revoke_invite(&self, by: UserId, invite: InviteId) -> Result<Vec<ConversationEvent>, ConversationError> {
        let role = self.active_member(by)?.role;
        let made_by = self.invites.get(invite).map(|invite| invite.by);
        let made_by = made_by.filter(|maker| *maker == by || role == MemberRole::Lead);
        let made_by = made_by.ok_or(ConversationError::InviteNotFound)?;
        Ok(vec![ConversationEvent::InviteRevoked { invite, by, made_by }])
    }

    /// A lead's invite is an approval; another's leads into the queue where there is one. To whom a lead has removed it
    /// opens nothing, whoever made it and whenever: an invite is passed on.
    fn accept_invite(
        &self,
        user: UserId,
        id: InviteId,
        now: Timestamp,
    ) -> Result<Vec<ConversationEvent>, ConversationError> {
        if self.active_member(user).is_ok() {
            return Ok(vec![]);
        }
        if self.former.parting(user) == Some(Parting::Removed) {
            return Err(ConversationError::InviteNotFound);
        }
        let invite = self.invites.get(id).filter(|invite| invite.is_good(now));
        let invite = invite.ok_or(ConversationError::InviteNotFound)?;
        let maker = self.active_member(invite.by).map_err(|_| ConversationError::InviteNotFound)?;
        let direct = !self.approval() || maker.role == MemberRole::Lead;
        let (invite, at) = (Some(id), Some(now));
        match self.member(user).map(|member| member.status) {
            Some(_) if !direct => return Ok(vec![]),
            Some(_) => (),
            None => self.room_for_one()?,
        }
        self.within_pace(user, Act::Arrive, now)?;
        Ok(vec![if direct {
            ConversationEvent::MemberJoined { user, invite, at }
        } else {
            ConversationEvent::MemberRequested { user, invite, at }
        }])
    }

    fn deletion(&self, by: Option<UserId>) -> ConversationEvent {
        let members = self.active().collect();
        let pending = self.with_status(MemberStatus::Pending).collect();
        ConversationEvent::Deleted { by, members, pending }
    }

    fn arrive(&mut self, user: UserId, role: MemberRole, status: MemberStatus) {
        self.former.forget(user);
        self.arrivals += 1;
        self.members.insert(user, Member { role, status, order: self.arrivals });
    }

    fn part(&mut self, user: UserId, parting: Parting) {
        self.members.remove(&user);
        self.invites.revoke_all_of(user);
        self.former.note(user, parting);
    }

    fn set_role(&mut self, user: UserId, role: MemberRole) {
        if let Some(member) = self.members.get_mut(&user) {
            member.role = role;
        }
    }
}

impl Aggregate for Conversation {
    const AGGREGATE: AggregateType = AggregateType::Conversation;

    fn decide(&self, command: ConversationCommand) -> Result<Vec<ConversationEvent>, ConversationError> {
        use ConversationCommand as Command;
        use ConversationEvent as Event;
        match command {
            command @ Command::Create { .. } => self.create(command),
            Command::Update { by, change, now } => self.update(by, change, now),
            Command::Delete { by } => {
                match by {
                    Some(by) => self.led_by(by)?,
                    None if self.life != Life::Live => return Ok(vec![]),
                    None => (),
                }
                Ok(vec![self.deletion(by)])
            }
            Command::Remove { .. } if self.life != Life::Live => Err(ConversationError::NotFound),
            Command::Remove { by } => Ok(vec![self.deletion(Some(by))]),
            Command::Join { user, now } => self.join(user, now),
            Command::Leave { user, idle } => self.leave(user, &idle),
            Command::Settle { idle } => Ok(self.settle(&idle)),
            Command::Add { by, user, known_as, now } => self.add(by, user, known_as, now),
            Command::Kick { by, user } => {
                self.led_by(by)?;
                if by == user {
                    return Err(ConversationError::KicksOneself);
                }
                self.target(user)?;
                Ok(vec![Event::MemberKicked { user, by }])
            }
            Command::Promote { by, user, now } => {
                self.led_by(by)?;
                self.promote(by, user, now)
            }
            Command::Appoint { .. } if self.life != Life::Live => Err(ConversationError::NotFound),
            Command::Appoint { by, user, now } => {
                self.group_only()?;
                self.promote(by, user, now)
            }
            Command::Demote { by, user, idle } => self.demote(by, user, &idle),
            Command::Approve { by, user } => {
                self.led_by(by)?;
                self.requested(user)?;
                Ok(vec![Event::MemberApproved { user, by }])
            }
            Command::Reject { by, user } => {
                self.led_by(by)?;
                self.requested(user)?;
                Ok(vec![Event::MemberRejected { user, by }])
            }
            Command::CreateInvite { by, invite, now } => self.create_invite(by, invite, now),
            Command::RevokeInvite { by, invite } => self.revoke_invite(by, invite),
            Command::AcceptInvite { user, invite, now } => self.accept_invite(user, invite, now),
        }
    }
}

impl cqrs_es::Aggregate for Conversation {
    const TYPE: &'static str = AggregateType::Conversation.as_str();
    type Command = ConversationCommand;
    type Event = ConversationEvent;
    type Error = ConversationError;
    type Services = ();

    handle_by_deciding!();

    fn apply(&mut self, event: ConversationEvent) {
        use ConversationEvent as Event;
        match event {
            Event::Created { conversation_type, created_by, members, settings, approval, joining } => {
                self.life = Life::Live;
                self.conversation_type = conversation_type;
                self.created_by = created_by;
                self.settings_by = settings.subject();
                self.settings = settings.get().cloned().unwrap_or_default();
                self.joining = joining.unwrap_or(Joining::of_approval(approval));
                for user in members {
                    let leads = conversation_type == ConversationType::Group && user == created_by;
                    let role = if leads { MemberRole::Lead } else { MemberRole::Member };
                    self.arrive(user, role, MemberStatus::Active);
                }
            }
            Event::Updated { by, settings, approval, joining, at } => {
                self.settings_by = settings.subject();
                self.settings = settings.get().cloned().unwrap_or_default();
                self.joining = joining.unwrap_or(Joining::of_approval(approval));
                self.turnover.spend(by, Act::Update, at);
            }
            Event::Deleted { .. } => {
                self.life = Life::Deleted;
                self.members.clear();
                self.invites.clear();
                (self.former, self.turnover) = (Former::default(), Turnover::default());
            }
            Event::MemberJoined { user, invite, at } => {
                self.invites.use_one(invite);
                self.turnover.spend(user, Act::Arrive, at);
                self.arrive(user, MemberRole::Member, MemberStatus::Active);
            }
            Event::MemberAdded { user, at, .. } => {
                self.turnover.spend(user, Act::Arrive, at);
                self.arrive(user, MemberRole::Member, MemberStatus::Active);
            }
            Event::MemberApproved { user, .. } => self.arrive(user, MemberRole::Member, MemberStatus::Active),
            Event::MemberRequested { user, invite, at } => {
                self.invites.use_one(invite);
                self.turnover.spend(user, Act::Arrive, at);
                self.arrive(user, MemberRole::Member, MemberStatus::Pending);
            }
            Event::MemberLeft { user } => self.part(user, Parting::Left),
            Event::MemberKicked { user, .. } | Event::MemberRejected { user, .. } => self.part(user, Parting::Removed),
            Event::InviteCreated { invite, by, code, made_at, expires_at, max_uses } => {
                let new = Invite::new(by, code.get().cloned(), made_at, expires_at, max_uses);
                self.invites.make(invite, new);
                self.turnover.spend(by, Act::Invite, Some(made_at));
            }
            Event::InviteRevoked { invite, .. } => self.invites.revoke(invite),
            Event::MemberPromoted { user, at, .. } => {
                self.turnover.spend(user, Act::BePromoted, at);
                self.set_role(user, MemberRole::Lead);
            }
            Event::MemberDemoted { user, .. } => self.set_role(user, MemberRole::Member),
        }
    }
}
