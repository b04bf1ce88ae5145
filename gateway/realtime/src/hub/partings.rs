//! Ended relations: a watcher receives no more presence of a user, unless another relation is left.

use super::{Hub, frames::Frames, state::State};
use broker::Signal;
use domain::{AudienceChange, Event, Recipient, Timestamp, UserId, friendship::FriendshipEvent};
use std::collections::{BTreeSet, HashSet};
use tokio::sync::futures::Notified;
use uuid::Uuid;

/// Watchers who are asked for together.
const TOGETHER: usize = 64;

/// Who may no longer see whom: a watcher, and those whom they watch.
pub type WatchToRecheck = (UserId, Vec<UserId>);

impl State {
    /// How many ties of somebody who is connected have ended meanwhile.
    pub(super) fn partings(&self, user: Uuid) -> u64 {
        self.person(user).map_or(0, |person| person.partings)
    }

    /// What ends with an event, before anybody has left by it. Answers whether something is doubted.
    pub(super) fn part(&mut self, event: &Event, scope: Uuid) -> bool {
        match event {
            Event::Friendship(FriendshipEvent::Blocked { by, with }) => {
                self.count_parting([by.0, with.0]);
                self.watches.part(by.0, with.0);
                false
            }
            Event::Friendship(FriendshipEvent::Unfriended { by, with }) => {
                self.count_parting([by.0, with.0]);
                self.watches.doubt(by.0, |watcher| watcher == with.0);
                self.watches.doubt(with.0, |watcher| watcher == by.0);
                true
            }
            Event::Conversation(_) => {
                let about = event.recipients(scope);
                let leave = about.iter().filter(|Recipient { change, .. }| *change == AudienceChange::Leave);
                let leavers: Vec<Uuid> = leave.map(|about| about.user.0).collect();
                self.leave(&leavers, scope);
                !leavers.is_empty()
            }
            _ => false,
        }
    }

    fn leave(&mut self, leavers: &[Uuid], scope: Uuid) {
        if leavers.is_empty() {
            return;
        }
        let insiders: HashSet<Uuid> = self.insiders(scope).collect();
        self.count_parting(insiders.iter().chain(leavers).copied().collect::<HashSet<_>>());
        match leavers {
            [leaver] => {
                for seat in self.seats_of(*leaver) {
                    self.watches.doubt_of(seat, |_| true);
                }
                self.watches.doubt(*leaver, |watcher| insiders.contains(&watcher));
            }
            all => {
                let all: HashSet<Uuid> = all.iter().copied().collect();
                for insider in insiders {
                    for seat in self.seats_of(insider) {
                        self.watches.doubt_of(seat, |subject| all.contains(&subject));
                    }
                }
            }
        }
    }

    fn count_parting(&mut self, users: impl IntoIterator<Item = Uuid>) {
        for user in users {
            if let Some(person) = self.person_mut(user) {
                person.partings += 1;
            }
        }
    }

    fn seats_of(&self, user: Uuid) -> Vec<u64> {
        self.person(user).into_iter().flat_map(|person| &person.seats).map(|seat| seat.id).collect()
    }
}

impl Hub {
    /// Takes the doubted watches of some watchers, and what ends once there are more.
    pub fn watches_to_recheck(&self) -> (Vec<WatchToRecheck>, Notified<'_>) {
        let more = self.0.doubted.notified();
        let doubts = self.state().watches.take_doubts(TOGETHER);
        let users = |subjects: Vec<Uuid>| subjects.into_iter().map(UserId).collect();
        (doubts.into_iter().map(|(watcher, subjects)| (UserId(watcher), users(subjects))).collect(), more)
    }

    /// Whether these watches go on cannot be checked now.
    pub fn recheck_later(&self, (watcher, subjects): &WatchToRecheck) {
        let subjects: Vec<_> = subjects.iter().map(|subject| subject.0).collect();
        self.state().watches.doubt_again(watcher.0, &subjects);
    }

    /// Keeps the watcher's watches on `seen` and ends the others. Answers the subjects with changes that were withheld
    /// meanwhile, and the sockets that missed them.
    pub fn settle(&self, (watcher, subjects): &WatchToRecheck, seen: &BTreeSet<UserId>) -> Vec<(UserId, Vec<u64>)> {
        let mut state = self.state();
        let settle = |subject: &UserId| (*subject, state.watches.settle(watcher.0, subject.0, seen.contains(subject)));
        subjects.iter().map(settle).filter(|(_, missed)| !missed.is_empty()).collect()
    }

    /// Tells some sockets of somebody a signal.
    pub fn tell_seats(&self, user: UserId, seats: &[u64], signal: &Signal, now: Timestamp) {
        let outboxes: Vec<_> = {
            let state = self.state();
            let meant = state.joined(user.0).filter(|seat| seats.contains(&seat.id));
            meant.map(|seat| std::sync::Arc::clone(&seat.outbox)).collect()
        };
        self.offer(outboxes, &Frames::new(signal, now), signal.is_urgent());
    }
}
