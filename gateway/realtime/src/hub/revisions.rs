//! The streams that recently had content removed, and where. The ring's live pushes of all other streams still hold.

use crate::push::MESSAGE_HIDDEN;
use domain::{
    AggregateType, Event, conversation::ConversationEvent, id::PairId, message::MessageEvent, story::StoryEvent,
    user::UserEvent,
};
use event_store::{Position, Record, StreamId};
use std::collections::{HashMap, VecDeque};
use uuid::Uuid;

/// The last event of each stream that took something back, bounded in number.
pub(super) struct Revisions {
    allowed: usize,
    latest: HashMap<StreamId, Position>,
    order: VecDeque<(Position, StreamId)>,
    /// What happened up to here may have been revised by an event that is forgotten.
    floor: Position,
    /// Somebody was erased here: reactions on others' messages went with them.
    erased: Position,
}

impl Revisions {
    pub(super) fn new(allowed: usize, floor: Position) -> Self {
        let (latest, order) = (HashMap::new(), VecDeque::new());
        Self { allowed, latest, order, floor, erased: 0 }
    }

    /// Takes in an event that [revises] something.
    pub(super) fn observe(&mut self, stream: StreamId, position: Position, event: &Event) {
        if matches!(event, Event::User(UserEvent::Erased)) {
            self.erased = self.erased.max(position);
        }
        let latest = self.latest.entry(stream).or_default();
        *latest = position.max(*latest);
        self.order.push_back((position, stream));
        while self.order.len() > self.allowed {
            let Some((oldest, stream)) = self.order.pop_front() else { return };
            self.floor = self.floor.max(oldest);
            if self.latest.get(&stream).is_some_and(|latest| *latest <= oldest) {
                self.latest.remove(&stream);
            }
        }
    }

    /// Whether something of a stream may have been taken back after `position`.
    pub(super) fn has(&self, stream: StreamId, position: Position) -> bool {
        position <= self.floor || self.latest.get(&stream).is_some_and(|latest| *latest > position)
    }

    /// Whether what was pushed of an event must be rendered anew for somebody.
    pub(super) fn concern(&self, record: &Record, reader: Uuid) -> bool {
        let (id, position) = (record.aggregate_id, record.position);
        let has = |aggregate, id: Uuid| self.has(StreamId::new(aggregate, id), position);
        match AggregateType::parse(&record.aggregate_type) {
            Some(AggregateType::Message) => {
                record.event_type != MESSAGE_HIDDEN && (has(AggregateType::Message, id) || position < self.erased)
            }
            Some(AggregateType::Conversation) => {
                record.event_type.starts_with("conversation.") && has(AggregateType::Conversation, id)
            }
            Some(AggregateType::Story) => {
                let author = record.scope;
                let is_blocked_either_way =
                    |user: Uuid| has(AggregateType::Friendship, PairId::of(user.into(), reader.into()).into());
                has(AggregateType::Story, id)
                    || has(AggregateType::User, author)
                    || is_blocked_either_way(author)
                    || record.origin.actor.is_some_and(is_blocked_either_way)
            }
            Some(aggregate @ (AggregateType::User | AggregateType::Friendship)) => has(aggregate, id),
            _ => false,
        }
    }
}

/// Whether something that was pushed before is not as it was after such an event.
pub(super) const fn revises(event: &Event) -> bool {
    match event {
        Event::Message(event) => !matches!(event, MessageEvent::Sent { .. } | MessageEvent::Reacted { .. }),
        Event::Conversation(event) => matches!(event, ConversationEvent::Updated { .. }),
        Event::Story(event) => matches!(
            event,
            StoryEvent::Edited { .. }
                | StoryEvent::Deleted { .. }
                | StoryEvent::Expired { .. }
                | StoryEvent::Unliked { .. }
                | StoryEvent::CommentDeleted { .. }
        ),
        Event::Friendship(_) => true,
        Event::User(event) => !matches!(event, UserEvent::Registered { .. } | UserEvent::PasswordChanged { .. }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ConversationId;

    fn deleted() -> Event {
        MessageEvent::Deleted { conversation: ConversationId::default(), by: Default::default() }.into()
    }

    #[test]
    fn what_is_forgotten_counts_as_revised() {
        let stream = |n| StreamId::new(AggregateType::Message, Uuid::from_u128(n));
        let mut revisions = Revisions::new(2, 0);
        for n in 1..=3 {
            revisions.observe(stream(n), 10 * n as Position, &deleted());
        }
        assert!(revisions.has(stream(3), 20) && !revisions.has(stream(3), 30));
        assert!(!revisions.has(stream(9), 11) && revisions.has(stream(9), 10), "nothing is known of before 10");
        assert_eq!(revisions.latest.len(), 2);
    }
}
