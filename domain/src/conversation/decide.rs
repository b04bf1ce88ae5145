//! The decisions over a conversation.

use super::{
    Conversation, ConversationCommand, ConversationError, ConversationEvent, ConversationType, Joining, MAX_MEMBERS,
    Member, MemberRole, MemberStatus, NewInvite, Newcomer, Settings, SettingsChange, Succession,
    aggregate::Life,
    former::{Act, Parting},
};
use crate::{Aggregate, AggregateType, Personal, Timestamp, UserId, id::InviteId};
use std::collections::BTreeSet;

impl Aggregate for Conversation {
    const AGGREGATE: AggregateType = AggregateType::Conversation;

    fn decide(&self, command: ConversationCommand) -> Result<Vec<ConversationEvent>, ConversationError> {
        use ConversationCommand as Command;
        use ConversationEvent as Event;
        match command {
            command @ Command::Create { .. } => self.create(command),
            Command::Update { by, change, now } => self.update(by, change, now),
            Command::Delete { by, hidden } => {
                match by {
                    Some(by) => self.led_by(by)?,
                    None if self.life != Life::Live => return Ok(vec![]),
                    None => (),
                }
                Ok(vec![self.deletion(by, &hidden)])
            }
            Command::Remove { .. } if self.life != Life::Live => Err(ConversationError::NotFound),
            Command::Remove { by, hidden } => Ok(vec![self.deletion(Some(by), &hidden)]),
            Command::Join { user, now } => self.join(user, now),
            Command::Leave { user, idle } => self.leave(user, &idle),
            Command::Settle { idle } => Ok(self.settle(&idle)),
            Command::Add { by, user, known_as, now } => self.add(by, user, known_as, now),
            Command::Kick { by, user } => {
                self.led_by(by)?;
                if by == user {
                    return Err(ConversationError::KicksOneself);
                }
                if self.status(user) != Some(MemberStatus::Invited) {
                    self.target(user)?;
                }
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

impl Conversation {
    fn group_only(&self) -> Result<(), ConversationError> {
        match self.conversation_type {
            ConversationType::Group => Ok(()),
            ConversationType::Direct => Err(ConversationError::DirectConversation),
        }
    }

    /// Refuses unless `by` is an active lead of a group.
    fn led_by(&self, by: UserId) -> Result<(), ConversationError> {
        let member = self.active_member(by)?;
        self.group_only()?;
        if member.role == MemberRole::Lead { Ok(()) } else { Err(ConversationError::LeadOnly) }
    }

    fn target(&self, user: UserId) -> Result<&Member, ConversationError> {
        self.active_member(user).map_err(|_| ConversationError::NotMember)
    }

    fn status(&self, user: UserId) -> Option<MemberStatus> {
        self.members.get(&user).map(|member| member.status)
    }

    fn requested(&self, user: UserId) -> Result<(), ConversationError> {
        let pending = self.member(user).is_some_and(|member| member.status == MemberStatus::Pending);
        if pending { Ok(()) } else { Err(ConversationError::NoRequest) }
    }

    /// Refuses `user` beyond the rate limit.
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
        let ConversationCommand::Create {
            conversation_type,
            by,
            members: others,
            invited: asked,
            title,
            avatar_url,
            joining,
            now,
        } = command
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
        let mut invited = Vec::new();
        for user in asked {
            if !members.contains(&user) && !invited.contains(&user) {
                invited.push(user);
            }
        }
        if members.len() + invited.len() > MAX_MEMBERS {
            return Err(ConversationError::TooManyMembers);
        }
        let group = conversation_type == ConversationType::Group;
        if !group && (members.len() != 2 || !invited.is_empty()) {
            return Err(ConversationError::OneOther);
        }
        let settings = if group { Settings { title, avatar_url } } else { Settings::default() };
        let joining = if group { joining } else { Joining::default() };
        let created = ConversationEvent::Created {
            conversation_type,
            created_by: by,
            members,
            settings: Personal::new(by, settings),
            approval: joining == Joining::Approval,
            joining: Some(joining),
        };
        let invitation = |user| ConversationEvent::MemberInvited { user, by, at: now };
        Ok(std::iter::once(created).chain(invited.into_iter().map(invitation)).collect())
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
            // An open group needs no approval either.
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
        let is_invited = self.status(user) == Some(MemberStatus::Invited);
        if self.members.contains_key(&user) && !is_invited {
            return Ok(vec![]);
        }
        // A group without active members is over, even before it is deleted: nobody would lead it.
        if self.active().next().is_none() {
            return Err(ConversationError::NotFound);
        }
        if is_invited {
            return Ok(vec![ConversationEvent::MemberJoined { user, invite: None, at: Some(now) }]);
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
                // If no member can act, the next one leads as soon as they can.
                Succession::Nobody => self.succession(Some(user), &BTreeSet::new()),
                able => able,
            };
            if let Succession::Heir(heir) = heir {
                events.insert(0, ConversationEvent::MemberPromoted { user: heir, by: user, at: None });
            }
        }
        Ok(events)
    }

    /// The first lead hands over if no lead can act.
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
        match self.status(user) {
            Some(MemberStatus::Active) => Err(ConversationError::AlreadyMember),
            _ if !leads && (known_as.is_shunned || parting == Some(Parting::Removed)) => {
                Err(ConversationError::LeadOnly)
            }
            Some(MemberStatus::Pending) => Ok(vec![ConversationEvent::MemberApproved { user, by }]),
            Some(MemberStatus::Invited) if known_as.is_unreachable => Ok(vec![]),
            Some(MemberStatus::Invited) => Ok(vec![ConversationEvent::MemberAdded { user, by, at: Some(now) }]),
            None if parting == Some(Parting::Left) && !known_as.is_friend => Err(ConversationError::HasLeft),
            None if known_as.is_unreachable => {
                self.room_for_one()?;
                self.within_pace(user, Act::Arrive, now)?;
                Ok(vec![ConversationEvent::MemberInvited { user, by, at: now }])
            }
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

    /// A lead's invite is an approval; a member's leads to a request where a lead must approve. For a person removed by
    /// a lead no invite is valid, since invites are passed on.
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
        let is_invited = self.status(user) == Some(MemberStatus::Invited);
        let direct = is_invited || !self.approval() || maker.role == MemberRole::Lead;
        let (invite, at) = (Some(id), Some(now));
        match self.status(user) {
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

    fn deletion(&self, by: Option<UserId>, hidden: &BTreeSet<UserId>) -> ConversationEvent {
        let members = self.active().collect();
        let pending = self.waiting().filter(|user| !hidden.contains(user)).collect();
        ConversationEvent::Deleted { by, members, pending }
    }
}
