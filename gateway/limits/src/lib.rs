//! How much an account and an address may do: budgets per kind of command, for REST and the sockets alike.
//!
//! Each process counts for itself, at once and without waiting. Where Redis is configured, what passes must pass
//! there too, so that an account has one budget on all nodes; what a node takes from it is a small share at a time,
//! not one command's worth. Redis away: each node goes on with its own counts. ADR 16 says why.

mod budgets;
mod compute;
mod gcra;
mod shared;
mod strikes;
mod turns;

pub use budgets::{Kind, beyond_one};
pub use compute::{Bench, Compute, MEMORY};
pub use gcra::{Budget, Cell};
pub use strikes::Strikes;
pub use turns::{Room, Turn, Turns};

use domain::{Timestamp, UserId};
use graph::Graph;
use protocol::Problem;
use quick_cache::sync::Cache;
use shared::{Share, Shared};
use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

/// Subjects that are remembered, times kinds. One that is forgotten has its budget whole again.
const REMEMBERED: usize = 200_000;

/// Whose budget it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// An account's, on all its devices.
    Account(UserId),
    /// An address's: of IPv6 the first 64 bits, within which a household changes its address at will.
    Address(IpAddr),
}

impl Subject {
    fn address(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(ip) => Self::Address(ip.into()),
            IpAddr::V6(ip) => {
                let network = Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64));
                Self::Address(network.into())
            }
        }
    }

    const fn budget(self, kind: Kind) -> Budget {
        match self {
            Self::Account(_) => kind.of_account(),
            Self::Address(_) => kind.of_address(),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(user) => user.fmt(f),
            Self::Address(address) => address.fmt(f),
        }
    }
}

/// What a subject has used up: of its budget here, and of its share of the common one.
#[derive(Debug, Default)]
struct Used {
    here: Cell,
    share: Share,
}

/// The budgets. Clones share them.
#[derive(Clone)]
pub struct Limits(Option<Arc<Counts>>);

struct Counts {
    used: Cache<(Kind, Subject), Arc<Used>>,
    shared: Option<Shared>,
    clock: fn() -> Timestamp,
}

impl Limits {
    /// Budgets by this clock, shared with other processes over `graph` if it is given.
    #[must_use]
    pub fn new(graph: Option<Graph>, clock: fn() -> Timestamp) -> Self {
        Self(Some(Arc::new(Counts { used: Cache::new(REMEMBERED), shared: graph.map(Shared::new), clock })))
    }

    /// No limits at all: `RATE_LIMITS=off`.
    #[must_use]
    pub const fn off() -> Self {
        Self(None)
    }

    /// Whether anything is limited.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Takes one of `kind` from the budgets of an account and of an address, in this order: what an account has no room for
    /// takes nothing from those who share its address. Of those who are signed in, the address of this
    /// machine is not counted: everybody has it behind a proxy here that `TRUSTED_PROXIES` does not name.
    ///
    /// # Errors
    /// `rate_limited`, with the time after which there is one again.
    pub async fn admit(&self, kind: Kind, ip: Option<IpAddr>, account: Option<UserId>) -> Result<(), Problem> {
        self.charge(kind, ip, account, 1).await
    }

    /// As [`admit`](Self::admit), for what costs as much as `cost` of the kind.
    ///
    /// # Errors
    /// `rate_limited`, with the time after which there is so much again.
    pub async fn charge(
        &self,
        kind: Kind,
        ip: Option<IpAddr>,
        account: Option<UserId>,
        cost: u32,
    ) -> Result<(), Problem> {
        let Some(counts) = self.0.as_ref().filter(|_| cost > 0) else { return Ok(()) };
        let ip = ip.filter(|ip| account.is_none() || !ip.to_canonical().is_loopback());
        let subjects = account.map(Subject::Account).into_iter().chain(ip.map(Subject::address));
        for subject in subjects {
            if let Err(wait) = counts.take(kind, subject, cost).await {
                metrics::counter!("chatchit_limited_total", "budget" => kind.name()).increment(1);
                return Err(Problem::rate_limited(wait));
            }
        }
        Ok(())
    }
}

impl Counts {
    async fn take(&self, kind: Kind, subject: Subject, cost: u32) -> Result<(), Duration> {
        let budget = subject.budget(kind);
        let used = self.used(kind, subject);
        let now = (self.clock)().millis().saturating_mul(1_000);
        used.here.take(budget, cost, now).map_err(wait)?;
        match &self.shared {
            Some(shared) => shared.take(kind, subject, budget, cost, &used.share, now).await.map_err(wait),
            None => Ok(()),
        }
    }

    fn used(&self, kind: Kind, subject: Subject) -> Arc<Used> {
        let made = self.used.get_or_insert_with(&(kind, subject), || Ok::<_, std::convert::Infallible>(Arc::default()));
        match made {
            Ok(used) => used,
            Err(never) => match never {},
        }
    }
}

fn wait(us: i64) -> Duration {
    Duration::from_micros(us.try_into().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, Ordering};
    use uuid::Uuid;

    static NOW: AtomicI64 = AtomicI64::new(1_000_000);

    fn clock() -> Timestamp {
        Timestamp::from_millis(NOW.load(Ordering::Relaxed))
    }

    fn user(n: u128) -> Option<UserId> {
        Some(UserId(Uuid::from_u128(n)))
    }

    async fn admitted(limits: &Limits, tries: u32, ip: &str, account: Option<UserId>) -> u32 {
        let mut admitted = 0;
        for _ in 0..tries {
            admitted += u32::from(limits.admit(Kind::Report, ip.parse().ok(), account).await.is_ok());
        }
        admitted
    }

    #[tokio::test]
    async fn accounts_and_addresses_have_budgets_of_their_own() {
        let limits = Limits::new(None, clock);
        assert_eq!(admitted(&limits, 100, "192.0.2.1", user(1)).await, 60);
        let refused = limits.admit(Kind::Report, None, user(1)).await.unwrap_err();
        assert_eq!((refused.status, refused.code, refused.retry_after), (429, "rate_limited", Some(1)));
        assert!(refused.temporary);
        assert_eq!(admitted(&limits, 100, "192.0.2.2", user(1)).await, 0, "another address is no help");
        assert_eq!(admitted(&limits, 100, "192.0.2.1", user(2)).await, 60);
        assert!(limits.admit(Kind::Read, None, user(1)).await.is_ok(), "each kind has its own");
        for n in 3..20 {
            admitted(&limits, 60, "192.0.2.1", user(n)).await;
        }
        assert_eq!(admitted(&limits, 1, "192.0.2.1", user(20)).await, 0, "the address has used its own up");
        assert_eq!(admitted(&limits, 1, "192.0.2.3", user(20)).await, 1);
        assert_eq!(admitted(&Limits::off(), 1_000, "192.0.2.1", user(1)).await, 1_000);
    }

    #[tokio::test]
    async fn of_this_machine_strangers_alone_are_counted() {
        let limits = Limits::new(None, clock);
        let ip = "127.0.0.1".parse().ok();
        let burst = Kind::Connect.of_address().burst;
        for _ in 0..burst {
            assert!(limits.admit(Kind::Connect, ip, None).await.is_ok());
        }
        assert!(limits.admit(Kind::Connect, ip, None).await.is_err());
        assert!(limits.admit(Kind::Connect, ip, user(40)).await.is_ok());
    }

    #[test]
    fn an_address_within_a_household_is_the_same() {
        let of = |ip: &str| Subject::address(ip.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::3"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::3"), of("2001:db8:1:3::3"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.2"), of("192.0.2.1"));
    }
}
