//! Which sockets want to hear how which people are here.

use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// A socket: whose it is, and its number.
type Socket = (Uuid, u64);

/// Which sockets want to hear how which people are here.
#[derive(Debug, Default)]
pub(super) struct Watches {
    of: HashMap<Uuid, HashSet<Socket>>,
    by: HashMap<u64, Watch>,
    /// How often a block has come between two people so far.
    partings: u64,
}

#[derive(Debug, Default)]
struct Watch {
    subjects: Vec<Uuid>,
    /// How often it was told something.
    told: u64,
}

impl Watches {
    /// How often a block has come between two people so far.
    pub(super) const fn partings(&self) -> u64 {
        self.partings
    }

    /// A socket wants to hear of these people, and of no others.
    pub(super) fn set(&mut self, socket: Socket, subjects: Vec<Uuid>) {
        let told = self.told(socket.1);
        self.drop(socket);
        for subject in &subjects {
            self.of.entry(*subject).or_default().insert(socket);
        }
        if !subjects.is_empty() {
            self.by.insert(socket.1, Watch { subjects, told });
        }
    }

    /// A socket is gone.
    pub(super) fn drop(&mut self, socket: Socket) {
        let Some(watch) = self.by.remove(&socket.1) else { return };
        for subject in watch.subjects {
            self.ignore(subject, socket);
        }
    }

    /// A block has come between two people: neither hears of the other.
    pub(super) fn part(&mut self, one: Uuid, other: Uuid) {
        self.partings += 1;
        for (subject, watcher) in [(one, other), (other, one)] {
            let sockets = self.of(subject).filter(|(user, _)| *user == watcher);
            for socket in sockets.collect::<Vec<_>>() {
                self.ignore(subject, socket);
                if let Some(watch) = self.by.get_mut(&socket.1) {
                    watch.subjects.retain(|known| *known != subject);
                }
            }
        }
    }

    /// Whoever wants to hear of `subject`.
    pub(super) fn of(&self, subject: Uuid) -> impl Iterator<Item = Socket> + '_ {
        self.of.get(&subject).into_iter().flatten().copied()
    }

    /// They are told something of `subject`.
    pub(super) fn tell(&mut self, subject: Uuid) {
        for (_, seat) in self.of.get(&subject).into_iter().flatten() {
            if let Some(watch) = self.by.get_mut(seat) {
                watch.told += 1;
            }
        }
    }

    /// How often a socket was told something.
    pub(super) fn told(&self, seat: u64) -> u64 {
        self.by.get(&seat).map_or(0, |watch| watch.told)
    }

    fn ignore(&mut self, subject: Uuid, socket: Socket) {
        if let Some(sockets) = self.of.get_mut(&subject) {
            sockets.remove(&socket);
            if sockets.is_empty() {
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
        watches.set((ANA, 1), vec![BEN, CLEO]);
        watches.set((ANA, 2), vec![BEN]);
        assert_eq!(of(&watches, BEN), [(ANA, 1), (ANA, 2)]);
        watches.set((ANA, 1), vec![CLEO]);
        assert_eq!((of(&watches, BEN), of(&watches, CLEO)), (vec![(ANA, 2)], vec![(ANA, 1)]));
        watches.drop((ANA, 1));
        watches.set((ANA, 2), vec![]);
        assert!(watches.of.is_empty() && watches.by.is_empty());
    }

    #[test]
    fn a_block_parts_both_and_nobody_else() {
        let mut watches = Watches::default();
        watches.set((ANA, 1), vec![BEN, CLEO]);
        watches.set((BEN, 2), vec![ANA, CLEO]);
        watches.set((CLEO, 3), vec![ANA, BEN]);
        watches.part(BEN, ANA);
        assert_eq!([ANA, BEN].map(|subject| of(&watches, subject)), [vec![(CLEO, 3)], vec![(CLEO, 3)]]);
        assert_eq!((of(&watches, CLEO), watches.partings()), (vec![(ANA, 1), (BEN, 2)], 1));
    }

    #[test]
    fn a_socket_knows_whether_it_was_told_something() {
        let mut watches = Watches::default();
        watches.set((ANA, 1), vec![BEN]);
        watches.tell(BEN);
        watches.tell(CLEO);
        watches.set((ANA, 1), vec![BEN, CLEO]);
        assert_eq!(watches.told(1), 1);
    }
}
