//! A person who catches up, and which past events they may still receive.

use super::person::Cleared;
use crate::push::Push;
use domain::{AudienceChange, Event, Timestamp, UserId, conversation::ConversationEvent};
use event_store::{Interval, Record};
use std::collections::HashSet;
use uuid::Uuid;

/// Somebody who catches up.
pub(super) struct Reader {
    pub(super) user: UserId,
    /// When they ask.
    pub(super) now: Timestamp,
    /// Up to where they cleared conversations.
    pub(super) cleared: Cleared,
    /// Scopes in which they were, and are no longer.
    pub(super) left: HashSet<Uuid>,
}

impl Reader {
    /// Takes a person's intervals; answers those of scopes they are still in. Of a scope they left, they receive only
    /// the event that ended their interval, as its recipient.
    pub(super) fn new(
        user: UserId,
        now: Timestamp,
        mut intervals: Vec<Interval>,
        cleared: Cleared,
    ) -> (Self, Vec<Interval>) {
        let open = intervals.iter().filter(|interval| interval.until.is_none()).map(|interval| interval.scope);
        let open: HashSet<_> = open.collect();
        let closed = intervals.iter().map(|interval| interval.scope).filter(|scope| !open.contains(scope));
        let left = closed.collect();
        intervals.retain(|interval| open.contains(&interval.scope));
        (Self { user, now, cleared, left }, intervals)
    }

    /// Whether they still receive an event that they received before.
    pub(super) fn still_receives(&self, record: &Record, event: &Event) -> bool {
        !self.left.contains(&record.scope) || ends(event, record.aggregate_id, self.user)
    }

    /// Whether they still have what a push tells of: they did not clear it, and its time is not over.
    pub(super) fn has(&self, push: &Push) -> bool {
        !self.cleared.hides(push) && push.expires_at.is_none_or(|until| self.now < until)
    }
}

/// Whether an event tells somebody how their time in a conversation ended, or what became of their wish to join.
fn ends(event: &Event, stream: Uuid, user: UserId) -> bool {
    let happened = match event {
        Event::Conversation(happened) => happened,
        // Who was taken out of a call together with the conversation is named by its event, and by no other of it.
        Event::Call(_) => return event.recipients(stream).iter().any(|about| about.user == user),
        _ => return false,
    };
    if matches!(happened, ConversationEvent::InviteCreated { .. } | ConversationEvent::InviteRevoked { .. }) {
        return false;
    }
    event.recipients(stream).iter().any(|about| about.user == user && about.change != AudienceChange::Join)
}
