//! Which sockets watch the presence of which people.
//!
//! A watch lives as long as the right to see. When a relation of two people ends, its event puts their watches in
//! doubt: these receive nothing until it is known whether another relation is left.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// A socket: whose it is, and its number.
type Socket = (Uuid, u64);

/// Watches of all sockets of a process together. One takes some 30 bytes.
pub(super) const MOST: usize = 2_000_000;

/// All sockets of this process watch as much as they may together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

/// Which sockets want to hear how which people are here.
#[derive(Debug, Default)]
pub(super) struct Watches {
    of: HashMap<Uuid, Watched>,
    by: HashMap<u64, Watch>,
    /// Watches of all sockets.
    count: usize,
    /// Who may no longer see whom, and nobody has asked yet.
    doubts: BTreeSet<(Uuid, Uuid)>,
}

/// The sockets that watch somebody, by number, in their order.
#[derive(Debug, Default)]
struct Watched {
    sure: Vec<u64>,
    /// By socket, whether a change was withheld from it meanwhile.
    doubted: BTreeMap<u64, bool>,
}

#[derive(Debug)]
struct Watch {
    user: Uuid,
    subjects: Vec<Uuid>,
    /// How many changes the socket received.
    received: u64,
}

impl Watched {
    fn insert(&mut self, seat: u64) {
        if let Err(at) = self.sure.binary_search(&seat) {
            self.sure.insert(at, seat);
        }
    }

    /// Answers whether it was sure of it.
    fn remove(&mut self, seat: u64) -> bool {
        self.doubted.remove(&seat);
        let found = self.sure.binary_search(&seat);
        found.is_ok_and(|at| self.sure.remove(at) == seat)
    }

    fn is_empty(&self) -> bool {
        self.sure.is_empty() && self.doubted.is_empty()
    }
}

impl Watches {
    /// A socket wants to hear of these people, and of no others.
    pub(super) fn set(&mut self, (user, seat): Socket, subjects: Vec<Uuid>) -> Result<(), Full> {
        let before = self.by.get(&seat).map_or(0, |watch| watch.subjects.len());
        if self.count - before + subjects.len() > MOST {
            return Err(Full);
        }
        let received = self.received(seat);
        self.drop(seat);
        for subject in &subjects {
            self.of.entry(*subject).or_default().insert(seat);
        }
        if !subjects.is_empty() {
            self.count += subjects.len();
            self.by.insert(seat, Watch { user, subjects, received });
        }
        Ok(())
    }

    /// A socket is gone.
    pub(super) fn drop(&mut self, seat: u64) {
        let Some(watch) = self.by.remove(&seat) else { return };
        self.count -= watch.subjects.len();
        for subject in watch.subjects {
            self.ignore(subject, seat);
        }
    }

    /// A block has come between two people: neither watches the other any more.
    pub(super) fn part(&mut self, one: Uuid, other: Uuid) {
        for (subject, watcher) in [(one, other), (other, one)] {
            for seat in self.seats(subject, |user| user == watcher) {
                self.forget(subject, seat);
            }
        }
    }

    /// Those watchers of `subject` may no longer see them.
    pub(super) fn doubt(&mut self, subject: Uuid, is_concerned: impl Fn(Uuid) -> bool) {
        for seat in self.seats(subject, is_concerned) {
            self.doubt_one(subject, seat);
        }
    }

    /// The socket's owner may no longer see these of those whom it watches.
    pub(super) fn doubt_of(&mut self, seat: u64, is_concerned: impl Fn(Uuid) -> bool) {
        let subjects = self.by.get(&seat).into_iter().flat_map(|watch| &watch.subjects).copied();
        for subject in subjects.filter(|subject| is_concerned(*subject)).collect::<Vec<_>>() {
            self.doubt_one(subject, seat);
        }
    }

    fn doubt_one(&mut self, subject: Uuid, seat: u64) {
        let (Some(watch), Some(watched)) = (self.by.get(&seat), self.of.get_mut(&subject)) else { return };
        if watch.user == subject {
            return;
        }
        self.doubts.insert((watch.user, subject));
        let known = watched.doubted.get(&seat).copied();
        watched.remove(seat);
        watched.doubted.insert(seat, known.unwrap_or(false));
    }

    /// Takes what was doubted of some watchers, at most so many.
    pub(super) fn take_doubts(&mut self, most: usize) -> Vec<(Uuid, Vec<Uuid>)> {
        let mut taken: Vec<(Uuid, Vec<Uuid>)> = Vec::new();
        while let Some((watcher, subject)) = self.doubts.first().copied() {
            let (count, last) = (taken.len(), taken.last_mut().filter(|(last, _)| *last == watcher));
            match last {
                Some((_, subjects)) => subjects.push(subject),
                None if count >= most => break,
                None => taken.push((watcher, vec![subject])),
            }
            self.doubts.pop_first();
        }
        taken
    }

    /// What could not be found out is to be asked again.
    pub(super) fn doubt_again(&mut self, watcher: Uuid, subjects: &[Uuid]) {
        self.doubts.extend(subjects.iter().map(|subject| (watcher, *subject)));
    }

    /// Keeps or ends the doubted watches of `watcher` on `subject`. Answers the sockets that keep theirs and missed a
    /// change. A watch doubted again since stays in doubt.
    pub(super) fn settle(&mut self, watcher: Uuid, subject: Uuid, sees: bool) -> Vec<u64> {
        if self.doubts.contains(&(watcher, subject)) {
            return Vec::new();
        }
        let Self { of, by, .. } = self;
        let Some(watched) = of.get_mut(&subject) else { return Vec::new() };
        let theirs = |seat: &u64| by.get(seat).is_some_and(|watch| watch.user == watcher);
        let doubted: Vec<_> = watched.doubted.iter().filter(|(seat, _)| theirs(seat)).map(|(s, m)| (*s, *m)).collect();
        let mut missed = Vec::new();
        for (seat, has_missed) in doubted {
            if sees {
                watched.doubted.remove(&seat);
                watched.insert(seat);
                missed.extend(Some(seat).filter(|_| has_missed));
            }
        }
        if !sees {
            for seat in self.seats(subject, |user| user == watcher) {
                self.forget(subject, seat);
            }
        }
        missed
    }

    /// The watchers of `subject` that may see it as far as is known.
    pub(super) fn of(&self, subject: Uuid) -> impl Iterator<Item = Socket> + '_ {
        let sure = self.of.get(&subject).into_iter().flat_map(|watched| &watched.sure);
        sure.filter_map(|seat| Some((self.by.get(seat)?.user, *seat)))
    }

    /// The watchers of `subject` receive a change.
    pub(super) fn tell(&mut self, subject: Uuid) {
        let Some(watched) = self.of.get_mut(&subject) else { return };
        watched.doubted.values_mut().for_each(|missed| *missed = true);
        for seat in &watched.sure {
            if let Some(watch) = self.by.get_mut(seat) {
                watch.received += 1;
            }
        }
    }

    /// How many changes a socket received.
    pub(super) fn received(&self, seat: u64) -> u64 {
        self.by.get(&seat).map_or(0, |watch| watch.received)
    }

    /// The sockets of some that watch `subject`, doubted ones included.
    fn seats(&self, subject: Uuid, whose: impl Fn(Uuid) -> bool) -> Vec<u64> {
        let Some(watched) = self.of.get(&subject) else { return Vec::new() };
        let seats = watched.sure.iter().chain(watched.doubted.keys()).copied();
        seats.filter(|seat| self.by.get(seat).is_some_and(|watch| whose(watch.user))).collect()
    }

    /// Ends a socket's watch on `subject`.
    fn forget(&mut self, subject: Uuid, seat: u64) {
        self.ignore(subject, seat);
        let Some(watch) = self.by.get_mut(&seat) else { return };
        let before = watch.subjects.len();
        watch.subjects.retain(|known| *known != subject);
        self.count -= before - watch.subjects.len();
    }

    fn ignore(&mut self, subject: Uuid, seat: u64) {
        if let Some(watched) = self.of.get_mut(&subject) {
            watched.remove(seat);
            if watched.is_empty() {
                self.of.remove(&subject);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: Uuid = Uuid::from_u128(1);
    const BEN: Uuid = Uuid::from_u128(2);
    const CLEO: Uuid = Uuid::from_u128(3);

    fn of(watches: &Watches, subject: Uuid) -> Vec<Socket> {
        let mut sockets: Vec<_> = watches.of(subject).collect();
        sockets.sort_unstable();
        sockets
    }

    #[test]
    fn a_new_list_replaces_the_old_one_and_goes_with_its_socket() {
        let mut watches = Watches::default();
        watches.set((ANA, 1), vec![BEN, CLEO]).unwrap();
        watches.set((ANA, 2), vec![BEN]).unwrap();
        assert_eq!(of(&watches, BEN), [(ANA, 1), (ANA, 2)]);
        watches.set((ANA, 1), vec![CLEO]).unwrap();
        assert_eq!((of(&watches, BEN), of(&watches, CLEO)), (vec![(ANA, 2)], vec![(ANA, 1)]));
        watches.drop(1);
        watches.set((ANA, 2), vec![]).unwrap();
        assert!(watches.of.is_empty() && watches.by.is_empty() && watches.count == 0);
    }

    #[test]
    fn a_block_parts_both_and_nobody_else() {
        let mut watches = Watches::default();
        watches.set((ANA, 1), vec![BEN, CLEO]).unwrap();
        watches.set((BEN, 2), vec![ANA, CLEO]).unwrap();
        watches.set((CLEO, 3), vec![ANA, BEN]).unwrap();
        watches.part(BEN, ANA);
        assert_eq!([ANA, BEN].map(|subject| of(&watches, subject)), [vec![(CLEO, 3)], vec![(CLEO, 3)]]);
        assert_eq!((of(&watches, CLEO), watches.count), (vec![(ANA, 1), (BEN, 2)], 4));
    }

    #[test]
    fn a_doubted_watch_receives_nothing_until_it_is_settled() {
        let mut watches = Watches::default();
        watches.set((ANA, 1), vec![BEN, CLEO]).unwrap();
        watches.set((ANA, 2), vec![BEN]).unwrap();
        watches.set((CLEO, 3), vec![BEN]).unwrap();
        watches.doubt(BEN, |user| user == ANA);
        assert_eq!((of(&watches, BEN), of(&watches, CLEO)), (vec![(CLEO, 3)], vec![(ANA, 1)]));
        assert_eq!(watches.take_doubts(10), [(ANA, vec![BEN])]);
        watches.tell(BEN);
        watches.set((ANA, 2), vec![BEN]).unwrap();
        assert_eq!(watches.settle(ANA, BEN, true), [1], "the other began anew meanwhile");
        assert_eq!(of(&watches, BEN), [(ANA, 1), (ANA, 2), (CLEO, 3)]);
        assert_eq!(watches.received(1), 0);
    }

    #[test]
    fn what_has_ended_is_forgotten_and_what_is_doubted_again_waits() {
        let mut watches = Watches::default();
        watches.set((ANA, 1), vec![BEN, CLEO]).unwrap();
        watches.set((BEN, 2), vec![CLEO]).unwrap();
        watches.doubt_of(1, |_| true);
        assert_eq!(watches.take_doubts(10), [(ANA, vec![BEN, CLEO])]);
        // Meanwhile another tie ends.
        watches.doubt_of(1, |subject| subject == CLEO);
        assert_eq!(watches.settle(ANA, BEN, false), Vec::<u64>::new());
        assert_eq!(watches.settle(ANA, CLEO, true), Vec::<u64>::new());
        assert_eq!((of(&watches, BEN), of(&watches, CLEO)), (vec![], vec![(BEN, 2)]));
        assert_eq!(watches.take_doubts(10), [(ANA, vec![CLEO])]);
        watches.settle(ANA, CLEO, true);
        assert_eq!((of(&watches, CLEO), watches.count), (vec![(ANA, 1), (BEN, 2)], 2));
        watches.doubt_of(2, |_| true);
        watches.doubt_of(1, |_| true);
        assert_eq!(watches.take_doubts(1), [(ANA, vec![CLEO])]);
        watches.doubt_again(ANA, &[CLEO]);
        assert_eq!(watches.take_doubts(10), [(ANA, vec![CLEO]), (BEN, vec![CLEO])]);
        watches.drop(1);
        watches.drop(2);
        assert!(watches.of.is_empty() && watches.by.is_empty() && watches.count == 0);
    }

    #[test]
    fn oneself_is_never_doubted_and_all_together_are_bounded() {
        let mut watches = Watches::default();
        watches.set((ANA, 1), vec![ANA]).unwrap();
        watches.doubt_of(1, |_| true);
        assert_eq!((of(&watches, ANA), watches.take_doubts(10)), (vec![(ANA, 1)], vec![]));
        watches.count = MOST;
        assert_eq!(watches.set((BEN, 2), vec![ANA]), Err(Full));
        assert_eq!(watches.set((ANA, 1), vec![BEN]), Ok(()), "in the place of another");
    }

    #[test]
    fn a_socket_counts_the_changes_it_received() {
        let mut watches = Watches::default();
        watches.set((ANA, 1), vec![BEN]).unwrap();
        watches.tell(BEN);
        watches.tell(CLEO);
        watches.set((ANA, 1), vec![BEN, CLEO]).unwrap();
        assert_eq!(watches.received(1), 1);
    }
}
