//! A connected user: their sockets, and when they received which scopes.

use super::call_payloads::CallSignalPayload;
use crate::{
    outbox::{Dialect, Outbox},
    push::Push,
};
use axum::extract::ws::Utf8Bytes;
use domain::{AudienceChange, SessionId};
use event_store::{Interval, Position};
use protocol::cursor::{OwnCursors, Place, covers};
use std::{cell::OnceCell, collections::HashMap, sync::Arc};
use uuid::Uuid;

/// A connected user.
pub(super) struct Person {
    pub(super) seats: Vec<Seat>,
    pub(super) cursors: OwnCursors,
    stays: HashMap<Uuid, Vec<Stay>>,
    /// How many of their ties have ended since they are connected.
    pub(super) partings: u64,
    /// Up to which seq they cleared which conversation.
    cleared: Cleared,
    /// Moves received before the store answered; `None` afterwards.
    pending: Option<Vec<Move>>,
}

/// The seq up to which a person cleared each conversation: they receive nothing of it any more.
#[derive(Clone, Debug, Default)]
pub(super) struct Cleared(HashMap<Uuid, u64>);

impl Cleared {
    /// A mark only rises.
    pub(super) fn raise(&mut self, conversation: Uuid, seq: u64) {
        let mark = self.0.entry(conversation).or_default();
        *mark = seq.max(*mark);
    }

    /// Whether a push tells of a message that was cleared.
    pub(super) fn hides(&self, push: &Push) -> bool {
        push.posted.is_some_and(|(conversation, seq)| self.0.get(&conversation).is_some_and(|mark| seq <= *mark))
    }
}

/// A socket at the hub.
pub(super) struct Seat {
    pub(super) id: u64,
    pub(super) session: SessionId,
    pub(super) outbox: Arc<Outbox>,
    /// Whether the socket receives events; until then it catches up.
    pub(super) joined: bool,
    /// How far another gateway had delivered, if that is ahead of this hub.
    pub(super) ahead: Option<Place>,
}

/// Somebody enters or leaves a scope with the event at `position`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Move {
    pub(super) scope: Uuid,
    pub(super) position: Position,
    pub(super) presence: AudienceChange,
}

/// A time within a scope, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stay {
    from: Position,
    until: Option<Position>,
}

impl Person {
    /// Somebody of whom the store has not been asked yet.
    pub(super) fn stranger(cursors: OwnCursors) -> Self {
        let (seats, stays, partings, cleared) = Default::default();
        Self { seats, cursors, stays, partings, cleared, pending: Some(Vec::new()) }
    }

    /// Whether the store has said when they received which scopes.
    pub(super) const fn is_known(&self) -> bool {
        self.pending.is_none()
    }

    /// Takes over the stored intervals, and then the moves received meanwhile.
    pub(super) fn know(&mut self, intervals: &[Interval]) {
        let Some(pending) = self.pending.take() else { return };
        for interval in intervals {
            let stay = Stay { from: interval.from, until: interval.until };
            self.stays.entry(interval.scope).or_default().push(stay);
        }
        pending.into_iter().for_each(|moved| self.moves(moved));
    }

    /// They enter or leave a scope. Hearing it twice changes nothing.
    pub(super) fn moves(&mut self, moved: Move) {
        if let Some(pending) = &mut self.pending {
            pending.push(moved);
            return;
        }
        let Move { scope, position, presence } = moved;
        let stays = self.stays.entry(scope).or_default();
        match presence {
            AudienceChange::Join if stays.iter().all(|stay| stay.from != position) => {
                stays.push(Stay { from: position, until: None });
            }
            AudienceChange::Leave if stays.iter().all(|stay| stay.until != Some(position)) => {
                let open = stays.iter_mut().find(|stay| stay.until.is_none() && stay.from <= position);
                if let Some(stay) = open {
                    stay.until = Some(position);
                }
            }
            AudienceChange::Join | AudienceChange::Leave | AudienceChange::None => (),
        }
    }

    /// They cleared a conversation.
    pub(super) fn clears(&mut self, conversation: Uuid, seq: u64) {
        self.cleared.raise(conversation, seq);
    }

    /// What they cleared.
    pub(super) const fn cleared(&self) -> &Cleared {
        &self.cleared
    }

    /// Whether they receive the events of `scope` at `position`.
    pub(super) fn receives(&self, scope: Uuid, position: Position) -> bool {
        let contains = |stay: &Stay| stay.from <= position && stay.until.is_none_or(|until| position <= until);
        self.stays.get(&scope).is_some_and(|stays| stays.iter().any(contains))
    }

    /// Whether they are in `scope` now.
    pub(super) fn is_in(&self, scope: Uuid) -> bool {
        self.stays.get(&scope).is_some_and(|stays| stays.iter().any(|stay| stay.until.is_none()))
    }

    /// Whether they ever were in `scope`.
    pub(super) fn was_in(&self, scope: Uuid) -> bool {
        self.stays.get(&scope).is_some_and(|stays| !stays.is_empty())
    }

    /// Whether they receive events of `scope` after `position`.
    pub(super) fn receives_after(&self, scope: Uuid, position: Position) -> bool {
        let lasts = |stay: &Stay| stay.until.is_none_or(|until| position < until);
        self.stays.get(&scope).is_some_and(|stays| stays.iter().any(lasts))
    }

    /// The scopes they receive or received.
    pub(super) fn scopes(&self) -> impl Iterator<Item = Uuid> + '_ {
        self.stays.keys().copied()
    }

    /// When they received which scopes.
    pub(super) fn intervals(&self) -> Vec<Interval> {
        let stays = self.stays.iter().flat_map(|(scope, stays)| stays.iter().map(|stay| (*scope, *stay)));
        stays.map(|(scope, Stay { from, until })| Interval { scope, from, until }).collect()
    }
}

/// An event on its way to sockets.
pub(super) struct Delivery<'a> {
    pub(super) push: &'a Push,
    /// Where the hub is after it.
    place: Place,
    /// The payload that is sent right after it.
    beside: Option<&'a CallSignalPayload>,
    /// Its frame on `/ws`, before and after the cursor, rendered on first use: the same for all.
    plain: OnceCell<(String, String)>,
}

impl<'a> Delivery<'a> {
    pub(super) const fn new(push: &'a Push, place: Place, beside: Option<&'a CallSignalPayload>) -> Self {
        Self { push, place, beside, plain: OnceCell::new() }
    }

    /// The frame for a socket, with a cursor of whose it is.
    fn frame(&self, outbox: &Outbox, cursor: &str) -> Utf8Bytes {
        match outbox.dialect() {
            Dialect::SocketIo if self.push.tells_others_more() && outbox.acted(self.push.correlation) => {
                self.push.frame_for_actor(cursor)
            }
            Dialect::SocketIo => {
                self.push.frame(Dialect::SocketIo, cursor, self.beside.map(CallSignalPayload::payload))
            }
            Dialect::Plain => {
                let (before, after) = self.plain.get_or_init(|| self.push.around_cursor());
                [before, cursor, after].concat().into()
            }
        }
    }
}

impl Seat {
    /// Puts an event into the outbox. Answers whether its writer must be woken.
    pub(super) fn deliver(&mut self, event: &Delivery<'_>, cursors: &OwnCursors) -> bool {
        let Push { position, tier, .. } = *event.push;
        let ahead = self.ahead;
        let place = ahead.map_or(event.place, |ahead| event.place.furthest(ahead));
        self.ahead = ahead.filter(|_| place != event.place);
        if ahead.is_some_and(|ahead| covers(ahead.marks, tier, position)) {
            return false;
        }
        let mut wake = self.outbox.push_event(event.frame(&self.outbox, &cursors.write(place)), tier, position);
        if self.outbox.dialect() == Dialect::Plain
            && let Some(beside) = event.beside.filter(|beside| beside.from_session != self.session)
        {
            wake |= self.outbox.push(beside.frame());
        }
        wake
    }
}
