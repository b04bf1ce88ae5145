//! The state of a conversation, folded from its events.

use super::{
    ConversationCommand, ConversationError, ConversationEvent, ConversationType, Invite, Invites, Joining, Member,
    MemberRole, MemberStatus, Settings,
    former::{Act, Former, Parting, Turnover},
};
use crate::{AggregateType, UserId, handle_by_deciding};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The most members of a conversation, pending and invited ones included.
pub const MAX_MEMBERS: usize = 1_000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Life {
    #[default]
    Unborn,
    Live,
    Deleted,
}

/// The state of a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    pub(super) life: Life,
    pub(super) conversation_type: ConversationType,
    created_by: UserId,
    pub(super) settings: Settings,
    settings_by: UserId,
    pub(super) joining: Joining,
    pub(super) members: BTreeMap<UserId, Member>,
    arrivals: u64,
    #[serde(default)]
    pub(super) invites: Invites,
    #[serde(default)]
    pub(super) former: Former,
    #[serde(default)]
    pub(super) turnover: Turnover,
}

/// The leader of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Succession {
    /// This lead.
    Lead(UserId),
    /// No lead; this member is next.
    Heir(UserId),
    /// Nobody.
    Nobody,
}

impl Conversation {
    /// True if it exists and was not deleted.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.life == Life::Live
    }

    /// Direct or group.
    #[must_use]
    pub const fn conversation_type(&self) -> ConversationType {
        self.conversation_type
    }

    /// Its creator.
    #[must_use]
    pub const fn created_by(&self) -> UserId {
        self.created_by
    }

    /// Title and picture.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The author of title and picture.
    #[must_use]
    pub const fn settings_by(&self) -> UserId {
        self.settings_by
    }

    /// The joining rule of a group.
    #[must_use]
    pub const fn joining(&self) -> Joining {
        self.joining
    }

    /// True if joining needs approval.
    #[must_use]
    pub fn approval(&self) -> bool {
        self.joining == Joining::Approval
    }

    /// The invites into it.
    #[must_use]
    pub const fn invites(&self) -> &Invites {
        &self.invites
    }

    /// The member: active, pending or invited.
    #[must_use]
    pub fn member(&self, user: UserId) -> Option<&Member> {
        self.members.get(&user)
    }

    /// The number of people in its state who are no members.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.former.len() + self.turnover.len()
    }

    /// The leads, including those who cannot act.
    pub fn leads(&self) -> impl Iterator<Item = UserId> + '_ {
        self.members.iter().filter(|(_, member)| member.role == MemberRole::Lead).map(|(user, _)| *user)
    }

    /// The leader once `without` is gone and without the `idle`: a lead, else the longest-standing member. The caller
    /// checks that the result can act, and otherwise asks again with them in `idle`.
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

    /// The number of members, pending and invited ones included.
    #[must_use]
    pub fn size(&self) -> usize {
        self.members.len()
    }

    /// The active members.
    pub fn active(&self) -> impl Iterator<Item = UserId> + '_ {
        self.with_status(MemberStatus::Active)
    }

    /// Those who asked to join or are invited.
    pub fn waiting(&self) -> impl Iterator<Item = UserId> + '_ {
        self.members.iter().filter(|(_, member)| member.status != MemberStatus::Active).map(|(user, _)| *user)
    }

    /// The other member of a direct conversation.
    #[must_use]
    pub fn other(&self, user: UserId) -> Option<UserId> {
        if self.conversation_type == ConversationType::Group {
            return None;
        }
        self.members.keys().copied().find(|member| *member != user)
    }

    /// Refuses unless `user` is an active member.
    ///
    /// # Errors
    /// [`ConversationError::NotFound`]: it is hidden from others.
    pub fn may_take_part(&self, user: UserId) -> Result<(), ConversationError> {
        self.active_member(user).map(|_| ())
    }

    /// True if `user` is an active lead.
    #[must_use]
    pub fn is_lead(&self, user: UserId) -> bool {
        self.active_member(user).is_ok_and(|member| member.role == MemberRole::Lead)
    }

    fn with_status(&self, status: MemberStatus) -> impl Iterator<Item = UserId> + '_ {
        self.members.iter().filter(move |(_, member)| member.status == status).map(|(user, _)| *user)
    }

    pub(super) fn active_member(&self, user: UserId) -> Result<&Member, ConversationError> {
        let member = self.members.get(&user).filter(|member| self.is_live() && member.status == MemberStatus::Active);
        member.ok_or(ConversationError::NotFound)
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
            Event::MemberInvited { user, at, .. } => {
                self.turnover.spend(user, Act::Arrive, Some(at));
                self.arrive(user, MemberRole::Member, MemberStatus::Invited);
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
