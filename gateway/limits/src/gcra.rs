//! The generic cell rate algorithm (ITU-T I.371): of each subject, one moment is remembered, the one until which
//! it has used its budget up in advance.

use std::sync::atomic::{AtomicI64, Ordering};

/// How much of something may be done: so many at once, and then one after each interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// At once.
    pub burst: u32,
    /// The interval, in microseconds.
    pub every_us: u32,
}

impl Budget {
    /// `burst` at once, then `per_second`.
    #[must_use]
    pub const fn new(burst: u32, per_second: u32) -> Self {
        Self { burst, every_us: 1_000_000 / per_second }
    }

    /// `burst` at once, then one in so many seconds.
    #[must_use]
    pub const fn slow(burst: u32, seconds: u32) -> Self {
        Self { burst, every_us: 1_000_000 * seconds }
    }

    const fn window_us(self) -> i64 {
        self.burst as i64 * self.every_us as i64
    }
}

/// What one subject has used up; all times in microseconds.
#[derive(Debug, Default)]
pub struct Cell(AtomicI64);

impl Cell {
    /// Uses `cost` of `budget` at `now`; what costs more than there may be at once costs all of it.
    ///
    /// # Errors
    /// For how long there is none left. A clock that was set back costs one interval at most.
    pub fn take(&self, budget: Budget, cost: u32, now: i64) -> Result<(), i64> {
        let mut wait = 0;
        let spent = i64::from(budget.every_us) * i64::from(cost.min(budget.burst));
        let took = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |until| {
            let next = until.clamp(now, now.saturating_add(budget.window_us())) + spent;
            wait = next - now - budget.window_us();
            (wait <= 0).then_some(next)
        });
        took.map(drop).map_err(|_| wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGET: Budget = Budget::new(3, 10);

    fn taken(cell: &Cell, tries: usize, now: i64) -> usize {
        (0..tries).filter(|_| cell.take(BUDGET, 1, now).is_ok()).count()
    }

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let cell = Cell::default();
        let now = 1_000_000_000;
        assert_eq!(taken(&cell, 9, now), 3);
        assert_eq!(cell.take(BUDGET, 1, now), Err(100_000));
        assert_eq!(cell.take(BUDGET, 1, now + 60_000), Err(40_000));
        assert_eq!(taken(&cell, 9, now + 100_000), 1);
        assert_eq!(taken(&cell, 9, now + 60_000_000), 3, "no more than the burst is saved up");
    }

    #[test]
    fn what_costs_more_takes_more_and_never_more_than_all() {
        let (cell, now) = (Cell::default(), 1_000_000_000);
        assert_eq!(cell.take(BUDGET, 2, now), Ok(()));
        assert_eq!(cell.take(BUDGET, 2, now), Err(100_000));
        assert_eq!(cell.take(BUDGET, 1, now), Ok(()));
        assert_eq!(cell.take(BUDGET, 1_000, now), Err(300_000), "as long as the whole budget takes");
        assert_eq!(cell.take(BUDGET, 1_000, now + 300_000), Ok(()));
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let cell = Cell::default();
        assert_eq!(taken(&cell, 9, 3_600_000_000), 3);
        assert_eq!(cell.take(BUDGET, 1, 0), Err(100_000));
    }
}
