//! A rate limit with a burst, folded from the times in events: the generic cell rate algorithm
//! (ATM Forum, TM 4.0, 1996).

use crate::Timestamp;
use serde::{Deserialize, Serialize};

/// A rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The most acts at once.
    pub burst: i64,
    /// The time until one more act is allowed, in milliseconds.
    pub every_ms: i64,
}

/// The used part of a [`Pace`]: the time when all of it is free again, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Spent(i64);

impl Pace {
    /// The wait before one more act, in milliseconds; `None` without one.
    #[must_use]
    pub fn wait_ms(self, spent: Spent, now: Timestamp) -> Option<i64> {
        let after = spent.0.max(now.millis()).saturating_add(self.every_ms);
        let wait = after.saturating_sub(now.millis()).saturating_sub(self.burst.saturating_mul(self.every_ms));
        (wait > 0).then_some(wait)
    }

    /// The used part after one more act.
    #[must_use]
    pub fn spend(self, spent: Spent, at: Timestamp) -> Spent {
        Spent(spent.0.max(at.millis()).saturating_add(self.every_ms))
    }
}

impl Spent {
    /// True if all of it is free again.
    #[must_use]
    pub const fn is_over(self, now: Timestamp) -> bool {
        self.0 <= now.millis()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_at_once_then_one_each_so_often() {
        let pace = Pace { burst: 3, every_ms: 100 };
        let at = |ms: i64| Timestamp::from_millis(1_000 + ms);
        let mut spent = Spent::default();
        for _ in 0..3 {
            assert_eq!(pace.wait_ms(spent, at(0)), None);
            spent = pace.spend(spent, at(0));
        }
        assert_eq!(pace.wait_ms(spent, at(0)), Some(100));
        assert_eq!(pace.wait_ms(spent, at(99)), Some(1));
        assert_eq!(pace.wait_ms(spent, at(100)), None);
        spent = pace.spend(spent, at(100));
        assert_eq!(pace.wait_ms(spent, at(100)), Some(100));
        assert!(!spent.is_over(at(399)) && spent.is_over(at(400)));
        assert_eq!(pace.wait_ms(Spent(i64::MAX), at(0)), Some(i64::MAX - 1_000 - 300));
    }
}
