//! A socket at the hub: from its cursor, through all it missed, to hearing of events as they come.

use super::{Hub, Watcher, reader::Reader, ring::Entry, state::Next};
use crate::{
    cursor::{OwnCursors, Place, Stamp},
    push::{Push, open},
    session::{Dialect, Told},
};
use axum::extract::ws::Utf8Bytes;
use broker::Marks;
use domain::UserId;
use event_store::{Feed, Interval, ReadError, RecordedEvent};
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
    dialect: Dialect,
    told: Told,
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
        Self { hub, user, id, cursors, known: Place::default(), joined: false, dialect, told: Told::default() }
    }

    /// Starts from the client's cursor; or from now when there is none, this log did not write it, or what follows on it
    /// was written by a newer build and cannot be told here.
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

    /// The next frames that the client missed; `None` once it has missed nothing more and hears of events as
    /// they come.
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
            Some(Next::Store(intervals, until)) => return self.read_store(intervals, until).await.map(Some),
            Some(Next::More(entries, hub)) => (entries, hub),
            Some(Next::Joined(entries, hub)) => {
                self.joined = true;
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
            self.told.hear(push.tier, push.position);
            Some(self.frame(&push))
        });
        Ok(Some(frames.collect()))
    }

    /// Its socket, as one that wants to hear how people are here.
    #[must_use]
    pub fn watcher(&self) -> Watcher {
        Watcher::new(self.hub.clone(), self.user, self.id)
    }

    /// Whether it hears of events as they come.
    #[must_use]
    pub const fn has_joined(&self) -> bool {
        self.joined
    }

    /// The furthest events that it was given of what was missed.
    #[must_use]
    pub const fn told(&self) -> Told {
        self.told
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
                self.told.hear(push.tier, push.position);
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
        // Whoever acted and was away may have acted by this very socket: a call of one's own does not ring.
        if self.dialect == Dialect::SocketIo && push.tells_others_more() && push.actor == Some(self.user) {
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

    /// What somebody who missed these events is told of each; fewer than there are events once [`PAGE_BYTES`] are
    /// taken, but at least one.
    pub(super) async fn replay(
        &self,
        reader: &Reader,
        events: &[Arc<RecordedEvent>],
    ) -> Result<Vec<Option<Arc<Push>>>, ReadError> {
        let mut told = Vec::with_capacity(events.len());
        let mut is_told = Vec::with_capacity(events.len());
        for event in events {
            let opened = open(&self.0.store, event).await?;
            is_told.push(opened.is_some_and(|opened| reader.is_told(&event.record, opened)));
            if is_told.last() == Some(&true) {
                told.push(Arc::clone(event));
            }
        }
        let pushes = self.0.pushes.replay(reader.user, reader.now, &told, PAGE_BYTES).await?;
        let mut pushes = pushes.into_iter().map(|push| push.filter(|push| reader.has(push)));
        let all = is_told.into_iter().map_while(|is_told| if is_told { pushes.next() } else { Some(None) });
        Ok(all.collect())
    }

    /// What somebody who missed these events of the ring is told of each. Those of which nothing was taken back since are
    /// told as they were, and rendered once for everybody.
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
