//! A stream folded up to one of its events, with what its resource tells beside the aggregate's state.

use super::call::CallFold;
use domain::{
    Aggregate, AggregateType, Event, Timestamp, UserId,
    conversation::{Conversation, ConversationEvent},
    message::{Message, MessageEvent},
    user::{User, UserEvent},
};
use event_store::{Position, Record};
use std::collections::BTreeMap;

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
}

#[derive(Clone, Debug, Default)]
pub(super) struct ConversationFold {
    pub(super) state: Conversation,
    pub(super) created_at: Timestamp,
    pub(super) arrivals: BTreeMap<UserId, Arrival>,
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
            AggregateType::Session | AggregateType::Friendship | AggregateType::ReadMarker | AggregateType::Audit => {
                Self::Nothing
            }
        }
    }

    /// Whether a push of such a stream needs the events before it.
    pub(super) const fn is_needed(aggregate: AggregateType) -> bool {
        match aggregate {
            AggregateType::Message | AggregateType::Conversation | AggregateType::User | AggregateType::Call => true,
            AggregateType::Session | AggregateType::Friendship | AggregateType::ReadMarker | AggregateType::Audit => {
                false
            }
        }
    }

    /// Takes the next event of the stream.
    pub(super) fn apply(&mut self, record: &Record, event: &Event) {
        match (self, event) {
            (Self::Message(fold), Event::Message(event)) => fold.apply(record, event),
            (Self::Conversation(fold), Event::Conversation(event)) => fold.apply(record, event),
            (Self::User(fold), Event::User(event)) => fold.apply(record, event),
            (Self::Call(fold), Event::Call(event)) => fold.apply(record, event),
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
            MessageEvent::Deleted { .. } => self.deleted_at = Some(record.recorded_at),
            MessageEvent::Hidden { .. } | MessageEvent::Reacted { .. } | MessageEvent::Unreacted { .. } => (),
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
            Happened::MemberJoined { user }
            | Happened::MemberAdded { user, .. }
            | Happened::MemberApproved { user, .. }
            | Happened::MemberRequested { user } => {
                self.arrivals.insert(*user, arrival);
            }
            Happened::MemberLeft { user }
            | Happened::MemberKicked { user, .. }
            | Happened::MemberRejected { user, .. } => {
                self.arrivals.remove(user);
            }
            Happened::Updated { .. } | Happened::MemberPromoted { .. } | Happened::MemberDemoted { .. } => (),
        }
        take(&mut self.state, event);
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

pub(super) fn take<A: Aggregate>(state: &mut A, event: &A::Event) {
    state.apply(event.clone());
}
