//! Somebody who catches up: what of the past they may still be told.

use super::person::Cleared;
use crate::push::Push;
use domain::{Event, Presence, Timestamp, UserId, conversation::ConversationEvent};
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
    /// Somebody with these times within scopes; answers those of scopes in which they still are. Of the others they are
    /// told how it ended, which is about them, and nothing that happened there.
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

    /// Whether they are still told of an event that they received.
    pub(super) fn is_told(&self, record: &Record, event: &Event) -> bool {
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
        Event::Call(_) => return event.about(stream).iter().any(|about| about.user == user),
        _ => return false,
    };
    if matches!(happened, ConversationEvent::InviteCreated { .. } | ConversationEvent::InviteRevoked { .. }) {
        return false;
    }
    event.about(stream).iter().any(|about| about.user == user && about.presence != Presence::Enters)
}
