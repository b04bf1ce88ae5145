//! A socket at the hub: from its cursor, through all it missed, to hearing of events as they come.

use super::{Hub, Watcher, reader::Reader, ring::Entry, state::Next};
use crate::{
    outbox::{Delivered, Dialect, Outbox},
    push::{Push, open},
};
use axum::extract::ws::Utf8Bytes;
use broker::Marks;
use domain::{SessionId, UserId};
use event_store::{Feed, Interval, ReadError, RecordedEvent};
use protocol::cursor::{OwnCursors, Place, Stamp};
use std::sync::Arc;
use uuid::Uuid;

/// Events of one page of a catch-up.
const PAGE: u32 = 256;
/// Bytes of one page, after which it ends: those of its frames, about, and of what is read for it.
pub(super) const PAGE_BYTES: usize = 1024 * 1024;

/// A socket at the hub; it leaves when this is dropped.
pub struct Seat {
    hub: Hub,
    user: Uuid,
    id: u64,
    known: Place,
    cursors: OwnCursors,
    joined: bool,
    /// Whether the ring did not reach to what it missed.
    has_read_log: bool,
    dialect: Dialect,
    delivered: Delivered,
}

/// Where a socket starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// Whether everything after the client's cursor will follow. Otherwise the client must reload what it shows.
    pub recovered: bool,
    /// The cursor from which it goes on.
    pub cursor: String,
}

impl Seat {
    pub(super) fn new(hub: Hub, user: Uuid, id: u64, dialect: Dialect) -> Self {
        let cursors = hub.0.cursors.of_user(user);
        Self {
            hub,
            user,
            id,
            cursors,
            known: Place::default(),
            joined: false,
            has_read_log: false,
            dialect,
            delivered: Delivered::default(),
        }
    }

    /// Starts from the client's cursor. Starts from now when there is none, when another log issued it, or when a later
    /// event was written by a newer build.
    ///
    /// # Errors
    /// [`ReadError`]: nothing was recovered, and nothing lost; the client comes back with the same cursor.
    pub async fn start(&mut self, since: Option<&str>) -> Result<Start, ReadError> {
        if !self.hub.state().knows(self.user) {
            let _turn = self.hub.0.readers.acquire().await;
            let intervals = self.hub.0.store.intervals(self.user).await?;
            let cleared = self.hub.cleared(UserId(self.user)).await?;
            let mut state = self.hub.state();
            state.clear(self.user, cleared);
            state.know(self.user, &intervals);
        }
        let resumed = match since.and_then(|since| self.cursors.read(since)) {
            Some(place) if self.hub.has_written(place).await? => Some(place),
            _ => None,
        };
        let resumed = resumed.filter(|place| self.hub.0.unreadable.can_resume(self.user, place.marks));
        let state = self.hub.state();
        self.known = resumed.unwrap_or(state.place);
        Ok(Start { recovered: resumed.is_some(), cursor: self.cursors.write(self.known) })
    }

    /// The next frames that the client missed; `None` once it has caught up and receives events as they come.
    ///
    /// # Errors
    /// [`ReadError`]; the client comes back with the cursor of the last frame it got. [`ReadError::Newer`]: to another
    /// process, or it is not recovered.
    pub async fn missed(&mut self) -> Result<Option<Vec<Utf8Bytes>>, ReadError> {
        if self.joined {
            return Ok(None);
        }
        let next = self.hub.state().next(self.user, self.id, self.known, PAGE as usize, PAGE_BYTES);
        let (entries, hub) = match next {
            None => return Ok(None),
            Some(Next::Store(intervals, until)) => {
                self.has_read_log = true;
                return self.read_store(intervals, until).await.map(Some);
            }
            Some(Next::More(entries, hub)) => (entries, hub),
            Some(Next::Joined(entries, hub)) => {
                self.joined = true;
                let from = if self.has_read_log { "log" } else { "ring" };
                metrics::counter!("chatchit_hub_catch_ups_total", "from" => from).increment(1);
                self.hub.0.moved.notify_waiters();
                (entries, hub)
            }
        };
        let cleared = self.hub.state().cleared(self.user);
        let (reader, _) = Reader::new(UserId(self.user), self.hub.0.store.now(), Vec::new(), cleared);
        let pushes = self.hub.pushes_of(&reader, &entries).await?;
        // Medium events up to where the hub has come are all here; later ones may still come.
        let frames = entries.iter().zip(pushes).filter_map(|(entry, push)| {
            let reached = Marks { high: entry.position(), medium: entry.position().min(hub.medium) };
            self.known = self.known.reaching(reached, &entry.event.record);
            let push = push?;
            self.delivered.advance(push.tier, push.position);
            Some(self.frame(&push))
        });
        Ok(Some(frames.collect()))
    }

    /// Its socket, as one that wants to hear how people are here.
    #[must_use]
    pub fn watcher(&self) -> Watcher {
        Watcher::new(self.hub.clone(), self.user, self.id)
    }

    /// Whether the socket receives events as they come.
    #[must_use]
    pub const fn has_joined(&self) -> bool {
        self.joined
    }

    /// The furthest events that it was given of what was missed.
    #[must_use]
    pub const fn delivered(&self) -> Delivered {
        self.delivered
    }

    /// The cursor that stands after everything that was put into the outbox so far.
    #[must_use]
    pub fn cursor(&self) -> String {
        let state = self.hub.state();
        let place = if self.joined { self.known.furthest(state.place) } else { self.known };
        self.cursors.write(place)
    }

    async fn read_store(&mut self, intervals: Vec<Interval>, hub: Place) -> Result<Vec<Utf8Bytes>, ReadError> {
        let _turn = self.hub.0.readers.acquire().await;
        let (Marks { high, medium }, until) = (self.known.marks, hub.marks.high);
        let cleared = self.hub.state().cleared(self.user);
        let (reader, intervals) = Reader::new(UserId(self.user), self.hub.0.store.now(), intervals, cleared);
        let feed = Feed { user: self.user, intervals, high, medium, until, limit: PAGE, bytes: PAGE_BYTES as u32 };
        let events = self.hub.0.store.feed(&feed).await?;
        let cut = is_cut(&events, PAGE);
        let readable = &events[..self.hub.readable(self.user, &events).await?];
        let pushes = self.hub.replay(&reader, readable).await?;
        let is_last = !cut && pushes.len() == events.len();
        let mut frames = Vec::with_capacity(pushes.len());
        for (event, push) in events.iter().zip(pushes) {
            self.known = self.known.after_all(&event.record);
            if let Some(push) = push {
                self.delivered.advance(push.tier, push.position);
                frames.push(self.frame(&push));
            }
        }
        if is_last {
            self.known = self.known.furthest(Place::at(until, hub.stamp));
        }
        Ok(frames)
    }

    fn frame(&self, push: &Push) -> Utf8Bytes {
        let cursor = self.cursors.write(self.known);
        // The actor may have acted through this very socket before it disconnected: an own call does not ring.
        if self.dialect == Dialect::SocketIo && push.rings() && push.actor == Some(self.user) {
            return push.frame_for_actor(&cursor);
        }
        push.frame(self.dialect, &cursor, None)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.hub.state().unseat(self.user, self.id);
        self.hub.0.moved.notify_waiters();
    }
}

/// Whether there may be more events than these of a page: it is full, or takes up what a page may.
pub(super) fn is_cut(events: &[Arc<RecordedEvent>], limit: u32) -> bool {
    let bytes = events.iter().map(|event| event.record.payload.len()).sum::<usize>();
    events.len() >= limit as usize || bytes >= PAGE_BYTES
}

impl Hub {
    /// Seats a socket of a signed-in device. From here on the hub closes it when the session ends or the
    /// account is blocked; it receives events once it has caught up.
    #[must_use]
    pub fn seat(&self, user: UserId, session: SessionId, outbox: Arc<Outbox>) -> Seat {
        let dialect = outbox.dialect();
        self.0.backlog.admit(user, &outbox);
        let id = self.state().seat(user.0, session, outbox, self.0.settings.sockets_per_user);
        self.0.moved.notify_waiters();
        Seat::new(self.clone(), user.0, id, dialect)
    }

    /// Whether the log has the event with which a cursor ends: one restored from an old copy, or whose end was lost
    /// in a fail-over, has none there, or another.
    async fn has_written(&self, place: Place) -> Result<bool, ReadError> {
        let known = self.state().has_written(place);
        match known {
            Some(has_written) => Ok(has_written),
            None => {
                let (_, digest) = self.0.store.digests(place.end()).await?;
                Ok(digest.is_some_and(|digest| Stamp::of(&digest) == place.stamp))
            }
        }
    }

    /// The replayed pushes of these events for `reader`: fewer than there are events once they exceed [`PAGE_BYTES`],
    /// but at least one.
    pub(super) async fn replay(
        &self,
        reader: &Reader,
        events: &[Arc<RecordedEvent>],
    ) -> Result<Vec<Option<Arc<Push>>>, ReadError> {
        let mut visible = Vec::with_capacity(events.len());
        let mut is_visible = Vec::with_capacity(events.len());
        for event in events {
            let opened = open(&self.0.store, event).await?;
            is_visible.push(opened.is_some_and(|opened| reader.still_receives(&event.record, opened)));
            if is_visible.last() == Some(&true) {
                visible.push(Arc::clone(event));
            }
        }
        let pushes = self.0.pushes.replay(reader.user, reader.now, &visible, PAGE_BYTES).await?;
        let mut pushes = pushes.into_iter().map(|push| push.filter(|push| reader.has(push)));
        let all = is_visible.into_iter().map_while(|is_visible| if is_visible { pushes.next() } else { Some(None) });
        Ok(all.collect())
    }

    /// The replayed pushes of these events of the ring for `reader`. An event without content removed since keeps its
    /// live push, which is rendered once for everybody.
    async fn pushes_of(&self, reader: &Reader, entries: &[Arc<Entry>]) -> Result<Vec<Option<Arc<Push>>>, ReadError> {
        let concerned: Vec<bool> = {
            let state = self.state();
            let concerned = |entry: &Arc<Entry>| state.revisions.concern(&entry.event.record, reader.user.0);
            entries.iter().map(concerned).collect()
        };
        let is_wanting = |(entry, concerned): &(&Arc<Entry>, &bool)| !**concerned && entry.push.get().is_none();
        let wanting: Vec<_> = entries.iter().zip(&concerned).filter(is_wanting).map(|(entry, _)| entry).collect();
        let events: Vec<_> = wanting.iter().map(|entry| Arc::clone(&entry.event)).collect();
        for (entry, push) in wanting.iter().zip(self.0.pushes.render_all(&events).await?) {
            if let Some(push) = push {
                entry.push.get_or_init(|| push);
            }
        }
        let anew = entries.iter().zip(&concerned).filter(|(_, concerned)| **concerned);
        let anew: Vec<_> = anew.map(|(entry, _)| Arc::clone(&entry.event)).collect();
        let _turn = if anew.is_empty() { None } else { Some(self.0.readers.acquire().await) };
        let anew = self.0.pushes.replay(reader.user, reader.now, &anew, usize::MAX).await?;
        let mut anew = anew.into_iter();
        let pushes = entries.iter().zip(concerned).map(|(entry, concerned)| {
            let as_it_was = || entry.push.get().map(Arc::clone).filter(|push| !push.is_hidden_from(reader.user.0));
            let push = if concerned { anew.next().flatten() } else { as_it_was() };
            push.filter(|push| reader.has(push))
        });
        Ok(pushes.collect())
    }
}
