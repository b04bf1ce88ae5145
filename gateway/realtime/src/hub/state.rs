//! The state of the hub, all of it under one lock: connected sockets and recent events.

use super::{
    call_payloads::CallSignalPayloads,
    lifelines::Lifelines,
    person::{Cleared, Delivery, Move, Person, Seat},
    revisions::Revisions,
    ring::{Entry, Ring},
    watches::Watches,
};
use crate::outbox::Outbox;
use broker::Marks;
use config::SocketSettings;
use domain::{AudienceChange, SessionId, Tier, UserId};
use event_store::{Interval, Position, Record};
use protocol::{
    Close,
    cursor::{Cursors, Place, Stamp, furthest},
};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};
use uuid::Uuid;

/// Recent events of which the stamp is kept: a mebibyte.
const STAMPS: usize = 1 << 16;

/// What the hub knows.
pub(super) struct State {
    pub(super) cursors: Cursors,
    /// How far the hub has handled the log.
    pub(super) place: Place,
    /// The stamps of recent events, each where its position falls: so that a recent cursor is checked without the store.
    stamps: Box<[(Position, Stamp)]>,
    pub(super) draining: bool,
    people: HashMap<Uuid, Person>,
    /// Sessions that had a socket here when they ended, until somebody asks.
    ended: HashSet<(UserId, SessionId)>,
    /// Connected users who receive a scope, or may still receive a medium event of it.
    scopes: HashMap<Uuid, HashSet<Uuid>>,
    /// Who left which scope with a position that the medium mark has not reached, in order.
    departed: VecDeque<(Position, Uuid, Uuid)>,
    ring: Ring,
    /// Content recently removed from events in the ring.
    pub(super) revisions: Revisions,
    pub(super) watches: Watches,
    /// Requests under way that end with their session.
    pub(super) lifelines: Lifelines,
    /// Payloads of commands on calls.
    pub(super) call_payloads: CallSignalPayloads,
    seats: u64,
}

/// What somebody who catches up is given next.
pub(super) enum Next {
    /// These events; the hub has more.
    More(Vec<Arc<Entry>>, Marks),
    /// These events; they have joined, and hear of all others.
    Joined(Vec<Arc<Entry>>, Marks),
    /// The ring does not reach: read the store for these times, up to this place. They are exact that far.
    Store(Vec<Interval>, Place),
}

impl State {
    pub(super) fn new(cursors: Cursors, place: Place, settings: &SocketSettings) -> Self {
        let marks = place.marks;
        Self {
            cursors,
            place,
            stamps: vec![(0, Stamp::default()); STAMPS].into(),
            draining: false,
            people: HashMap::new(),
            ended: HashSet::new(),
            scopes: HashMap::new(),
            departed: VecDeque::new(),
            ring: Ring::new(settings.ring_events, settings.ring_bytes, marks),
            revisions: Revisions::new(settings.ring_events, place.end()),
            watches: Watches::default(),
            lifelines: Lifelines::default(),
            call_payloads: CallSignalPayloads::default(),
            seats: 0,
        }
    }

    /// Whether the log has the event with which a place ends; `None` when that was too long ago to know.
    pub(super) fn has_written(&self, place: Place) -> Option<bool> {
        match place.end() {
            0 => Some(true),
            end if end == self.place.end() => Some(place.stamp == self.place.stamp),
            end => self.stamps.get(slot(end)).filter(|(at, _)| *at == end).map(|(_, stamp)| *stamp == place.stamp),
        }
    }

    /// The hub has handled an event.
    pub(super) fn handled(&mut self, record: &Record) {
        if let Some(kept) = self.stamps.get_mut(slot(record.position)) {
            *kept = (record.position, Stamp::of(&record.digest));
        }
        let place = self.place.after(record);
        self.place.stamp = place.stamp;
        self.reach(place.marks);
    }

    /// How many sockets there are.
    pub(super) fn sockets(&self) -> usize {
        self.people.values().map(|person| person.seats.len()).sum()
    }

    /// Seats a socket that does not hear of events yet; answers its number. The oldest goes when there are too many.
    pub(super) fn seat(&mut self, user: Uuid, session: SessionId, outbox: Arc<Outbox>, allowed: usize) -> u64 {
        self.seats += 1;
        let person = {
            let cursors = &self.cursors;
            self.people.entry(user).or_insert_with(|| Person::stranger(cursors.of_user(user)))
        };
        let open = person.seats.iter().filter(|seat| seat.outbox.closing().is_none());
        if open.clone().count() >= allowed
            && let Some(oldest) = open.min_by_key(|seat| seat.id)
        {
            oldest.outbox.close(Close::Replaced);
        }
        if self.draining {
            outbox.close(Close::Restarting);
        }
        person.seats.push(Seat { id: self.seats, session, outbox, joined: false, ahead: None });
        self.seats
    }

    /// A socket is gone.
    pub(super) fn unseat(&mut self, user: Uuid, id: u64) {
        let Some(person) = self.people.get_mut(&user) else { return };
        person.seats.retain(|seat| seat.id != id);
        self.watches.drop(id);
        if !person.seats.is_empty() {
            return;
        }
        let Some(person) = self.people.remove(&user) else { return };
        for scope in person.scopes() {
            remove_from(&mut self.scopes, scope, user);
        }
    }

    /// Whether the store has said when `user` received which scopes.
    pub(super) fn knows(&self, user: Uuid) -> bool {
        self.people.get(&user).is_some_and(Person::is_known)
    }

    /// Takes over what the store says of `user`.
    pub(super) fn know(&mut self, user: Uuid, intervals: &[Interval]) {
        let Some(person) = self.people.get_mut(&user).filter(|person| !person.is_known()) else { return };
        person.know(intervals);
        for scope in person.scopes().filter(|scope| person.receives_after(*scope, self.place.marks.medium)) {
            self.scopes.entry(scope).or_default().insert(user);
        }
    }

    /// Takes over what the read models say that `user` cleared.
    pub(super) fn clear(&mut self, user: Uuid, cleared: impl IntoIterator<Item = (Uuid, u64)>) {
        let Some(person) = self.people.get_mut(&user) else { return };
        cleared.into_iter().for_each(|(conversation, seq)| person.clears(conversation, seq));
    }

    /// What a connected user cleared.
    pub(super) fn cleared(&self, user: Uuid) -> Cleared {
        self.people.get(&user).map(|person| person.cleared().clone()).unwrap_or_default()
    }

    /// Closes the sockets of `user`, or only those of one session, and ends what they have under way.
    pub(super) fn close(&mut self, user: Uuid, session: Option<SessionId>, why: Close) {
        self.lifelines.end(user, session);
        let seats = self.people.get(&user).into_iter().flat_map(|person| &person.seats);
        let meant = seats.filter(|seat| session.is_none_or(|session| seat.session == session));
        meant.for_each(|seat| seat.outbox.close(why));
    }

    /// A session is over: its sockets close, and do not come back.
    pub(super) fn end(&mut self, user: UserId, session: SessionId, why: Close) {
        let seats = self.people.get(&user.0).into_iter().flat_map(|person| &person.seats);
        if seats.filter(|seat| seat.session == session).count() > 0 {
            self.ended.insert((user, session));
        }
        self.close(user.0, Some(session), why);
    }

    /// The sessions that ended since this was last asked, of those that had a socket here.
    pub(super) fn take_ended(&mut self) -> HashSet<(UserId, SessionId)> {
        std::mem::take(&mut self.ended)
    }

    /// Forgets what was opened of events in which something of `user` stands.
    pub(super) fn forget(&mut self, user: Uuid) {
        self.ring.forget(user);
    }

    /// The outboxes of all sockets.
    pub(super) fn outboxes(&self) -> Vec<Arc<Outbox>> {
        let seats = self.people.values().flat_map(|person| &person.seats);
        seats.map(|seat| Arc::clone(&seat.outbox)).collect()
    }

    /// Puts an event into its audience's outboxes, and remembers it. Answers to how many sockets it went; `None`, without
    /// sending anything, when somebody should receive it and its push is missing. Outboxes whose writers wait go to `wake`.
    pub(super) fn dispatch(&mut self, entry: &Arc<Entry>, wake: &mut Vec<Arc<Outbox>>) -> Option<usize> {
        let mut sockets = 0;
        self.move_people(entry);
        let audience = self.audience(entry);
        if !audience.is_empty() {
            let push = entry.push.get()?;
            let place = self.place.after(&entry.event.record);
            let beside = self.call_payloads.beside(&entry.event.record);
            let delivery = Delivery::new(push, place, beside.as_ref());
            for user in audience {
                let person = self.people.get_mut(&user).filter(|person| !person.cleared().hides(push));
                let person = person.filter(|_| !push.is_hidden_from(user));
                let Some(Person { seats, cursors, .. }) = person else { continue };
                for seat in seats.iter_mut().filter(|seat| seat.joined) {
                    sockets += 1;
                    if seat.deliver(&delivery, cursors) {
                        wake.push(Arc::clone(&seat.outbox));
                    }
                }
            }
        }
        self.call_payloads.dispatched(&entry.event.record);
        self.ring.push(Arc::clone(entry));
        self.handled(&entry.event.record);
        Some(sockets)
    }

    /// An event cannot be handed out here.
    pub(super) fn pass_over(&mut self, tier: Tier, position: Position) {
        self.ring.lack(tier, position);
    }

    /// Connected users.
    pub(super) fn users(&self) -> impl Iterator<Item = Uuid> + '_ {
        self.people.keys().copied()
    }

    /// Connected users who receive what happens in a scope at a position.
    pub(super) fn receivers(&self, scope: Uuid, position: Position) -> impl Iterator<Item = Uuid> + '_ {
        let receives = move |user: &Uuid| self.people.get(user).is_some_and(|person| person.receives(scope, position));
        self.scopes.get(&scope).into_iter().flatten().copied().filter(receives)
    }

    /// The hub has handled everything up to `marks`.
    pub(super) fn reach(&mut self, marks: Marks) {
        self.place.marks = furthest(self.place.marks, marks);
        while let Some((until, user, scope)) = self.departed.front().copied()
            && until <= self.place.marks.medium
        {
            self.departed.pop_front();
            let receives = |person: &Person| person.receives_after(scope, self.place.marks.medium);
            if !self.people.get(&user).is_some_and(receives) {
                remove_from(&mut self.scopes, scope, user);
            }
        }
    }

    /// What a socket that knows everything up to `known` is given next, at most about `limit` events or `bytes`.
    pub(super) fn next(&mut self, user: Uuid, seat: u64, place: Place, limit: usize, bytes: usize) -> Option<Next> {
        let person = self.people.get_mut(&user)?;
        let known = place.marks;
        if !self.ring.reaches(known) {
            return Some(Next::Store(person.intervals(), self.place));
        }
        let of_scopes = person.scopes().filter(|scope| person.is_in(*scope));
        let of_scopes = of_scopes.flat_map(|scope| self.ring.of_scope(scope, known));
        let mine = of_scopes.filter(|entry| person.receives(entry.scope(), entry.position()));
        let about = self
            .ring
            .about(user, known)
            .filter(|entry| person.is_in(entry.scope()) || !person.was_in(entry.scope()) || entry.ends_for(user));
        let mut entries: Vec<_> = mine.chain(about).map(Arc::clone).collect();
        entries.sort_unstable_by_key(|entry| entry.position());
        entries.dedup_by_key(|entry| entry.position());
        let mut taken = 0;
        let fit = entries.iter().take(limit).take_while(|entry| {
            let fits = taken < bytes;
            taken += entry.frame_bytes();
            fits
        });
        let fit = fit.count();
        if entries.len() > fit {
            entries.truncate(fit);
            return Some(Next::More(entries, self.place.marks));
        }
        let seat = person.seats.iter_mut().find(|other| other.id == seat)?;
        seat.joined = true;
        seat.ahead = Some(place).filter(|_| furthest(known, self.place.marks) != self.place.marks);
        Some(Next::Joined(entries, self.place.marks))
    }

    /// Connected users who are in `scope` now.
    pub(super) fn insiders(&self, scope: Uuid) -> impl Iterator<Item = Uuid> + '_ {
        let is_in = move |user: &Uuid| self.is_inside(*user, scope);
        self.scopes.get(&scope).into_iter().flatten().copied().filter(is_in)
    }

    /// Whether a connected user is in `scope` now.
    pub(super) fn is_inside(&self, user: Uuid, scope: Uuid) -> bool {
        self.people.get(&user).is_some_and(|person| person.receives(scope, self.place.marks.high.saturating_add(1)))
    }

    /// The sockets of `user` that have caught up.
    pub(super) fn joined(&self, user: Uuid) -> impl Iterator<Item = &Seat> + '_ {
        let seats = self.people.get(&user).into_iter().flat_map(|person| &person.seats);
        seats.filter(|seat| seat.joined)
    }

    /// Those of `users` who have a socket here.
    pub(super) fn here_of(&self, users: &[UserId]) -> Vec<UserId> {
        users.iter().filter(|user| self.people.contains_key(&user.0)).copied().collect()
    }

    /// A connected user.
    pub(super) fn person(&self, user: Uuid) -> Option<&Person> {
        self.people.get(&user)
    }

    /// A connected user.
    pub(super) fn person_mut(&mut self, user: Uuid) -> Option<&mut Person> {
        self.people.get_mut(&user)
    }

    /// Whether a socket is still there.
    pub(super) fn has_seat(&self, user: Uuid, id: u64) -> bool {
        self.people.get(&user).is_some_and(|person| person.seats.iter().any(|seat| seat.id == id))
    }

    /// The sessions that have a socket here that has caught up: until then nobody has asked whether they still live.
    pub(super) fn sessions(&self) -> HashSet<(UserId, SessionId)> {
        let of = |(user, person): (&Uuid, &Person)| {
            let user = UserId(*user);
            let joined = person.seats.iter().filter(|seat| seat.joined);
            joined.map(move |seat| (user, seat.session)).collect::<Vec<_>>()
        };
        self.people.iter().flat_map(of).collect()
    }

    fn move_people(&mut self, entry: &Entry) {
        let (scope, position) = (entry.scope(), entry.position());
        if let Some((user, seq)) = entry.cleared {
            self.clear(user.0, [(scope, seq)]);
        }
        for about in &entry.about {
            let user = about.user.0;
            let Some(person) = self.people.get_mut(&user) else { continue };
            person.moves(Move { scope, position, presence: about.change });
            match about.change {
                AudienceChange::Join if person.is_known() => drop(self.scopes.entry(scope).or_default().insert(user)),
                AudienceChange::Leave => self.departed.push_back((position, user, scope)),
                AudienceChange::Join | AudienceChange::None => (),
            }
        }
    }

    /// Whether somebody connected receives an event.
    pub(super) fn has_audience(&self, entry: &Entry) -> bool {
        !self.audience(entry).is_empty()
    }

    /// Connected users who receive an event, each once.
    fn audience(&self, entry: &Entry) -> Vec<Uuid> {
        let listening =
            |user: &Uuid| self.people.get(user).filter(|person| person.seats.iter().any(|seat| seat.joined));
        let within = |person: &Person| entry.scope_wide && person.receives(entry.scope(), entry.position());
        let connected = self.scopes.get(&entry.scope()).into_iter().flatten().copied();
        let insiders = connected.filter(|user| listening(user).is_some_and(within));
        let about = entry.about.iter().map(|about| about.user.0);
        let others = about.filter(|user| listening(user).is_some_and(|person| !within(person)));
        insiders.chain(others).collect()
    }
}

/// Where the stamp of an event is kept.
const fn slot(position: Position) -> usize {
    (position % STAMPS as u64) as usize
}

fn remove_from(scopes: &mut HashMap<Uuid, HashSet<Uuid>>, scope: Uuid, user: Uuid) {
    if let Some(users) = scopes.get_mut(&scope) {
        users.remove(&user);
        if users.is_empty() {
            scopes.remove(&scope);
        }
    }
}
