//! A stream folded up to one of its events, with what its resource tells beside the aggregate's state.

use super::{call::CallFold, opened::take, report::ReportFold, story::StoryFold};
use domain::{
    AggregateType, Event, Timestamp, UserId,
    conversation::{Conversation, ConversationEvent, Invite},
    id::InviteId,
    message::{Message, MessageEvent},
    own_settings::OwnSettings,
    user::{User, UserEvent},
};
use event_store::{Position, Record};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A stream folded up to one of its events.
#[derive(Clone, Debug)]
pub(super) enum Folded {
    /// A message.
    Message(MessageFold),
    /// A conversation.
    Conversation(ConversationFold),
    /// An account.
    User(UserFold),
    /// A call.
    Call(CallFold),
    /// How somebody keeps a conversation.
    OwnSettings(OwnSettings),
    /// A story.
    Story(StoryFold),
    /// A report.
    Report(ReportFold),
    /// Of a stream whose events tell all by themselves.
    Nothing,
}

#[derive(Clone, Debug, Default)]
pub(super) struct MessageFold {
    pub(super) state: Message,
    pub(super) seq: u64,
    pub(super) position: Position,
    pub(super) created_at: Timestamp,
    pub(super) edited_at: Option<Timestamp>,
    pub(super) deleted_at: Option<Timestamp>,
    pub(super) pinned_at: Option<Timestamp>,
    /// Since when those who removed it for themselves have it no longer.
    pub(super) hidden_at: BTreeMap<UserId, Timestamp>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct ConversationFold {
    pub(super) state: Conversation,
    pub(super) created_at: Timestamp,
    pub(super) arrivals: BTreeMap<UserId, Arrival>,
    /// The invite that was made or taken back last.
    pub(super) invite: Option<Invite>,
}

/// When somebody came, or asked to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub(super) at: Timestamp,
    pub(super) seq: u64,
}

#[derive(Clone, Debug, Default)]
pub(super) struct UserFold {
    pub(super) state: User,
    pub(super) created_at: Timestamp,
}

impl Folded {
    /// The fold of no event.
    pub(super) fn new(aggregate: AggregateType) -> Self {
        match aggregate {
            AggregateType::Message => Self::Message(MessageFold::default()),
            AggregateType::Conversation => Self::Conversation(ConversationFold::default()),
            AggregateType::User => Self::User(UserFold::default()),
            AggregateType::Call => Self::Call(CallFold::default()),
            AggregateType::OwnSettings => Self::OwnSettings(OwnSettings::default()),
            AggregateType::Story => Self::Story(StoryFold::default()),
            AggregateType::Report => Self::Report(ReportFold::default()),
            AggregateType::Session
            | AggregateType::Friendship
            | AggregateType::ReadMarker
            | AggregateType::File
            | AggregateType::Conduct
            | AggregateType::Administration
            | AggregateType::Audit => Self::Nothing,
        }
    }

    /// Whether a push of such a stream needs the events before it.
    pub(super) const fn is_needed(aggregate: AggregateType) -> bool {
        match aggregate {
            AggregateType::Message
            | AggregateType::Conversation
            | AggregateType::User
            | AggregateType::Call
            | AggregateType::OwnSettings
            | AggregateType::Story
            | AggregateType::Report => true,
            AggregateType::Session
            | AggregateType::Friendship
            | AggregateType::ReadMarker
            | AggregateType::File
            | AggregateType::Conduct
            | AggregateType::Administration
            | AggregateType::Audit => false,
        }
    }

    /// What it takes of memory, in bytes, about.
    pub(super) fn weight(&self) -> u64 {
        /// A person in a map, with what is known of them.
        const PERSON: usize = 160;
        let bytes = match self {
            Self::Message(fold) => {
                let content = fold.state.posted().and_then(|posted| posted.content.as_ref());
                let said = content.map_or(0, |content| content.body.as_str().len() + 1_024 * content.attachments.len());
                768 + PERSON * (fold.state.people() + fold.hidden_at.len()) + 2 * said
            }
            Self::Conversation(fold) => {
                768 + PERSON * fold.state.size() + 48 * fold.arrivals.len() + 256 * fold.state.invites().len()
            }
            Self::Call(fold) => fold.weight(),
            Self::Story(fold) => fold.weight(),
            Self::User(_) => 2_048,
            Self::OwnSettings(_) => 256,
            Self::Report(_) => 16 * 1_024,
            Self::Nothing => 64,
        };
        bytes as u64
    }

    /// The number of a message in its conversation.
    pub(super) const fn seq(&self) -> Option<u64> {
        match self {
            Self::Message(fold) => Some(fold.seq),
            _ => None,
        }
    }

    /// Those who removed the message for themselves.
    pub(super) fn hidden_from(&self) -> Vec<Uuid> {
        match self {
            Self::Message(fold) => fold.hidden_at.keys().map(|user| user.0).collect(),
            _ => Vec::new(),
        }
    }

    /// Until when a story is there.
    pub(super) fn expires_at(&self) -> Option<Timestamp> {
        match self {
            Self::Story(fold) => fold.expires_at(),
            _ => None,
        }
    }

    /// Whether something stands in it that `user` wrote.
    pub(super) fn holds(&self, user: UserId) -> bool {
        match self {
            Self::Message(fold) => {
                let is_sender = fold.state.posted().is_some_and(|posted| posted.sender == user);
                is_sender || fold.state.reactions().values().any(|users| users.contains(&user))
            }
            Self::Conversation(fold) => fold.state.settings_by() == user,
            Self::Story(fold) => fold.is_of(user),
            Self::Report(fold) => fold.concerns(user),
            Self::User(_) | Self::Call(_) | Self::OwnSettings(_) | Self::Nothing => false,
        }
    }

    /// Takes the next event of the stream.
    pub(super) fn apply(&mut self, record: &Record, event: &Event) {
        match (self, event) {
            (Self::Message(fold), Event::Message(event)) => fold.apply(record, event),
            (Self::Conversation(fold), Event::Conversation(event)) => fold.apply(record, event),
            (Self::User(fold), Event::User(event)) => fold.apply(record, event),
            (Self::Call(fold), Event::Call(event)) => fold.apply(record, event),
            (Self::OwnSettings(state), Event::OwnSettings(event)) => take(state, event),
            (Self::Story(fold), Event::Story(event)) => fold.apply(record, event),
            (Self::Report(fold), Event::Report(event)) => fold.apply(record, event),
            _ => (),
        }
    }
}

impl MessageFold {
    fn apply(&mut self, record: &Record, event: &MessageEvent) {
        match event {
            MessageEvent::Sent { .. } => {
                self.seq = record.scope_seq;
                self.position = record.position;
                self.created_at = record.recorded_at;
            }
            MessageEvent::Edited { .. } => self.edited_at = Some(record.recorded_at),
            MessageEvent::Deleted { .. } => {
                self.deleted_at = Some(record.recorded_at);
                self.pinned_at = None;
            }
            MessageEvent::Pinned { .. } => self.pinned_at = Some(record.recorded_at),
            MessageEvent::Unpinned { .. } => self.pinned_at = None,
            MessageEvent::Hidden { user, .. } => drop(self.hidden_at.insert(*user, record.recorded_at)),
            MessageEvent::Reacted { .. } | MessageEvent::Unreacted { .. } => (),
        }
        take(&mut self.state, event);
    }
}

impl ConversationFold {
    fn apply(&mut self, record: &Record, event: &ConversationEvent) {
        use ConversationEvent as Happened;
        let arrival = Arrival { at: record.recorded_at, seq: record.scope_seq };
        match event {
            Happened::Created { members, .. } => {
                self.created_at = record.recorded_at;
                self.arrivals.extend(members.iter().map(|user| (*user, arrival)));
            }
            Happened::Deleted { .. } => self.arrivals.clear(),
            Happened::MemberJoined { user, .. }
            | Happened::MemberAdded { user, .. }
            | Happened::MemberApproved { user, .. }
            | Happened::MemberRequested { user, .. }
            | Happened::MemberInvited { user, .. } => {
                self.arrivals.insert(*user, arrival);
            }
            Happened::MemberLeft { user }
            | Happened::MemberKicked { user, .. }
            | Happened::MemberRejected { user, .. } => {
                self.arrivals.remove(user);
            }
            Happened::InviteRevoked { invite, .. } => self.invite = self.invite_now(*invite),
            Happened::InviteCreated { .. }
            | Happened::Updated { .. }
            | Happened::MemberPromoted { .. }
            | Happened::MemberDemoted { .. } => (),
        }
        take(&mut self.state, event);
        if let Happened::InviteCreated { invite, .. } = event {
            self.invite = self.invite_now(*invite);
        }
    }

    fn invite_now(&self, invite: InviteId) -> Option<Invite> {
        self.state.invites().get(invite).cloned()
    }
}

impl UserFold {
    fn apply(&mut self, record: &Record, event: &UserEvent) {
        if matches!(event, UserEvent::Registered { .. }) {
            self.created_at = record.recorded_at;
        }
        take(&mut self.state, event);
    }
}
