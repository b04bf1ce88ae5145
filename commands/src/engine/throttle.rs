//! Throttles wrong passwords: each further one doubles the wait, whether or not the account exists. Passwords are not
//! compared during the wait, so that a right one reveals nothing.
//!
//! Wrong passwords are counted per e-mail address and network, per e-mail address, and per network. An owner who signed
//! in from a network before waits only for wrong passwords of that pair, so that others cannot lock them out. Each
//! process counts for itself.

use domain::{Timestamp, UserId};
use quick_cache::sync::Cache;
use std::{
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The subjects kept in memory.
const REMEMBERED: usize = 100_000;
/// Wrong passwords are forgotten after this long without one.
const FORGOTTEN_MS: i64 = 3_600_000;
/// The first wait; each further wrong password doubles it.
const FIRST_MS: i64 = 5_000;

/// The wrong passwords without a wait, and the longest wait.
#[derive(Clone, Copy)]
struct Patience {
    free: u32,
    longest_ms: i64,
}

/// For an e-mail address from a network.
const PAIR: Patience = Patience { free: 10, longest_ms: 900_000 };
/// For an e-mail address from all networks: its owner may be waiting, too.
const ADDRESS: Patience = Patience { free: 100, longest_ms: 60_000 };
/// From a network for all e-mail addresses: it may have many users.
const PLACE: Patience = Patience { free: 300, longest_ms: 60_000 };

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Subject {
    Pair([u8; 32], Option<IpAddr>),
    Address([u8; 32]),
    Place(IpAddr),
}

#[derive(Clone, Copy, Debug, Default)]
struct Tries {
    wrong: u32,
    last: i64,
    until: i64,
}

pub(crate) struct Throttle {
    tries: Cache<Subject, Arc<Mutex<Tries>>>,
    /// The pairs of successful sign-ins and their users. A separate cache, so that a flood of wrong passwords does not
    /// evict them.
    known: Cache<Subject, UserId>,
    is_on: bool,
}

/// An attempt counts as wrong until it proves right.
pub(crate) struct Attempt<'t> {
    throttle: &'t Throttle,
    counted: Vec<Subject>,
    /// Counted only once it proves wrong.
    uncounted: Vec<Subject>,
    pair: Subject,
}

impl Throttle {
    pub(crate) fn new(is_on: bool) -> Self {
        Self { tries: Cache::new(REMEMBERED), known: Cache::new(REMEMBERED), is_on }
    }

    /// Begins an attempt for the hashed e-mail `address` from `ip`.
    ///
    /// # Errors
    /// The wait in milliseconds.
    pub(crate) fn attempt(
        &self,
        address: [u8; 32],
        ip: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<Attempt<'_>>, i64> {
        if !self.is_on {
            return Ok(None);
        }
        let place = ip.and_then(|ip| ip.parse().ok()).map(network);
        let pair = Subject::Pair(address, place);
        let place = place.map(Subject::Place);
        if self.known.get(&pair).is_none() {
            let counted: Vec<_> = [Some(pair), Some(Subject::Address(address)), place].into_iter().flatten().collect();
            return self.begin(pair, counted, Vec::new(), now).map(Some);
        }
        // Concurrent attempts are counted as sequential ones; only devices of a known network may sign in at once.
        let uncounted = [Some(pair), place].into_iter().flatten().collect();
        self.begin(pair, Vec::new(), uncounted, now).map(Some)
    }

    /// Begins an attempt of a signed-in user for their own account. It waits only for wrong passwords of such attempts.
    ///
    /// # Errors
    /// As [`attempt`](Self::attempt).
    pub(crate) fn own_attempt(&self, address: [u8; 32], now: Timestamp) -> Result<Option<Attempt<'_>>, i64> {
        if !self.is_on {
            return Ok(None);
        }
        let pair = Subject::Pair(address, None);
        self.begin(pair, vec![pair], Vec::new(), now).map(Some)
    }

    /// The user who signed in with `address` from `ip`.
    pub(crate) fn known(&self, address: [u8; 32], ip: Option<IpAddr>) -> Option<UserId> {
        self.known.get(&Subject::Pair(address, ip.map(network)))
    }

    /// Refuses while the pair or a counted subject must wait.
    fn begin(
        &self,
        pair: Subject,
        counted: Vec<Subject>,
        uncounted: Vec<Subject>,
        now: Timestamp,
    ) -> Result<Attempt<'_>, i64> {
        let now = now.millis();
        let waits = counted.iter().chain([&pair]).map(|subject| lock(&self.of(*subject)).wait(now));
        if let Some(wait) = waits.max().filter(|wait| *wait > 0) {
            return Err(wait);
        }
        counted.iter().for_each(|subject| lock(&self.of(*subject)).count(subject.patience(), now));
        Ok(Attempt { throttle: self, counted, uncounted, pair })
    }

    fn of(&self, subject: Subject) -> Arc<Mutex<Tries>> {
        let made = self.tries.get_or_insert_with(&subject, || Ok::<_, std::convert::Infallible>(Arc::default()));
        match made {
            Ok(tries) => tries,
            Err(never) => match never {},
        }
    }
}

impl Attempt<'_> {
    /// The password could not be compared.
    pub(crate) fn undone(self) {
        self.counted.into_iter().for_each(|subject| lock(&self.throttle.of(subject)).uncount());
    }

    /// The password of `user` was right: the pair is known, and its count restarts.
    pub(crate) fn right(self, user: UserId) {
        for subject in self.counted {
            lock(&self.throttle.of(subject)).uncount();
        }
        *lock(&self.throttle.of(self.pair)) = Tries::default();
        self.throttle.known.insert(self.pair, user);
    }

    pub(crate) fn wrong(self, now: Timestamp) {
        for subject in self.uncounted {
            lock(&self.throttle.of(subject)).count(subject.patience(), now.millis());
        }
    }
}

impl Subject {
    const fn patience(self) -> Patience {
        match self {
            Self::Pair(..) => PAIR,
            Self::Address(_) => ADDRESS,
            Self::Place(_) => PLACE,
        }
    }
}

impl Tries {
    const fn wait(&self, now: i64) -> i64 {
        let wait = self.until.saturating_sub(now);
        // A clock that was set back must not prolong the wait.
        if wait > PAIR.longest_ms { PAIR.longest_ms } else { wait }
    }

    fn count(&mut self, patience: Patience, now: i64) {
        if now.saturating_sub(self.last) > FORGOTTEN_MS {
            self.wrong = 0;
        }
        self.wrong = self.wrong.saturating_add(1);
        self.last = now;
        if self.wrong >= patience.free {
            let doubled = (self.wrong - patience.free).min(16);
            self.until = now.saturating_add((FIRST_MS << doubled).min(patience.longest_ms));
        }
    }

    fn uncount(&mut self) {
        self.wrong = self.wrong.saturating_sub(1);
        self.until = 0;
    }
}

/// The network of an address: for IPv6 the first 64 bits, within which a network changes its address at will.
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64)).into(),
        ip => ip,
    }
}

fn lock(tries: &Mutex<Tries>) -> MutexGuard<'_, Tries> {
    tries.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Option<&str> = Some("192.0.2.1");
    const ANA: [u8; 32] = [1; 32];

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_795_460_818_000 + 1_000 * seconds)
    }

    fn wrong(throttle: &Throttle, address: [u8; 32], ip: Option<&str>, now: i64) -> Result<(), i64> {
        throttle.attempt(address, ip, at(now)).map(|attempt| attempt.unwrap().wrong(at(now)))
    }

    fn right(throttle: &Throttle, address: [u8; 32], ip: Option<&str>, now: i64) -> bool {
        throttle.attempt(address, ip, at(now)).map(|attempt| attempt.unwrap().right(UserId::default())).is_ok()
    }

    #[test]
    fn each_wrong_password_doubles_the_wait() {
        let throttle = Throttle::new(true);
        for _ in 0..10 {
            wrong(&throttle, ANA, HERE, 0).unwrap();
        }
        assert_eq!(wrong(&throttle, ANA, HERE, 0), Err(5_000));
        assert!(!right(&throttle, ANA, HERE, 4), "the right one tells nothing meanwhile");
        wrong(&throttle, ANA, HERE, 5).unwrap();
        assert_eq!(wrong(&throttle, ANA, HERE, 5), Err(10_000));
        wrong(&throttle, ANA, HERE, 15).unwrap();
        assert_eq!(wrong(&throttle, ANA, HERE, 15), Err(20_000));
        assert!(right(&throttle, ANA, HERE, 35), "the owner gets in");
        wrong(&throttle, ANA, HERE, 35).unwrap();
        assert!(right(&throttle, [2; 32], HERE, 0), "others do not wait");
    }

    #[test]
    fn the_wait_is_bounded_and_wrong_passwords_are_forgotten() {
        let throttle = Throttle::new(true);
        let mut now = 0;
        for _ in 0..40 {
            while let Err(wait) = wrong(&throttle, ANA, HERE, now) {
                assert!(wait <= 900_000);
                now += wait / 1_000;
            }
        }
        now += 3_601;
        for _ in 0..10 {
            wrong(&throttle, ANA, HERE, now).unwrap();
        }
        assert_eq!(wrong(&throttle, ANA, HERE, now), Err(5_000));
        assert!(wrong(&throttle, ANA, HERE, -1_000_000) <= Err(900_000), "whatever the clock does");
    }

    #[test]
    fn of_many_at_once_no_more_pass() {
        let throttle = Throttle::new(true);
        let attempts: Vec<_> = (0..50).filter_map(|_| throttle.attempt(ANA, HERE, at(0)).ok()).collect();
        assert_eq!(attempts.len(), 10);
        assert!(right(&throttle, ANA, Some("192.0.2.2"), 0));
        let known: Vec<_> = (0..50).filter_map(|_| throttle.attempt(ANA, Some("192.0.2.2"), at(0)).ok()).collect();
        assert_eq!(known.len(), 50, "many devices come back at once");
    }

    #[test]
    fn guessing_from_everywhere_is_slow_and_does_not_lock_the_owner_out() {
        let throttle = Throttle::new(true);
        assert!(right(&throttle, ANA, Some("198.51.100.1"), 0));
        let guessed = (0..200).filter(|n| wrong(&throttle, ANA, Some(&format!("10.0.0.{n}")), 0).is_ok()).count();
        assert_eq!(guessed, 100);
        assert!(!right(&throttle, ANA, Some("203.0.113.1"), 0));
        assert!(right(&throttle, ANA, Some("198.51.100.1"), 0), "where she signed in before");
        assert!(right(&throttle, ANA, Some("203.0.113.1"), 60), "and elsewhere a minute later");
    }

    #[test]
    fn a_signed_in_user_waits_only_for_their_own_wrong_passwords() {
        let throttle = Throttle::new(true);
        for n in 0..200 {
            let _ = wrong(&throttle, ANA, Some(&format!("10.0.0.{n}")), 0);
        }
        assert!(!right(&throttle, ANA, HERE, 0));
        let own: Vec<_> = (0..20).filter_map(|_| throttle.own_attempt(ANA, at(0)).ok().flatten()).collect();
        assert_eq!(own.len(), 10, "and not for what others guess");
        own.into_iter().for_each(|attempt| attempt.wrong(at(0)));
        assert_eq!(throttle.own_attempt(ANA, at(0)).err(), Some(5_000));
    }

    #[test]
    fn a_network_that_guesses_at_many_accounts_waits() {
        let throttle = Throttle::new(true);
        let address = |n: u16| {
            let mut address = [0; 32];
            address[..2].copy_from_slice(&n.to_be_bytes());
            address
        };
        let from = |n: u16| format!("2001:db8:0:1::{n:x}");
        let guessed = (0..900).filter(|n| wrong(&throttle, address(*n), Some(&from(*n)), 0).is_ok()).count();
        assert_eq!(guessed, 300);
        assert!(right(&throttle, address(0), Some("2001:db8:0:2::1"), 0));
    }

    #[test]
    fn a_known_pair_does_not_wait_for_strangers_behind_the_same_address() {
        let throttle = Throttle::new(true);
        assert!(right(&throttle, ANA, HERE, 0));
        let address = |n: u32| {
            let mut address = [7; 32];
            address[..4].copy_from_slice(&n.to_be_bytes());
            address
        };
        for n in 0..5_000 {
            let _ = wrong(&throttle, address(n), HERE, 0);
        }
        assert!(wrong(&throttle, address(9_999), HERE, 0).is_err(), "the place waits");
        assert!(right(&throttle, ANA, HERE, 0), "and she does not");
        for _ in 0..10 {
            wrong(&throttle, ANA, HERE, 0).unwrap();
        }
        assert_eq!(wrong(&throttle, ANA, HERE, 0), Err(5_000), "guesses at her password do");
    }
}
