//! Chance that a seed repeats.

use std::time::Duration;

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A length between two numbers of seconds, the greater one excluded.
    pub(super) fn seconds(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(least * 1_000 + self.next() % ((most - least) * 1_000).max(1))
    }

    /// All of them in some order.
    pub(super) fn shuffled<T>(&mut self, all: impl IntoIterator<Item = T>) -> Vec<T> {
        let mut all: Vec<T> = all.into_iter().collect();
        for last in (1..all.len()).rev() {
            let other = (self.next() % (last as u64 + 1)) as usize;
            all.swap(last, other);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;
    use std::time::Duration;

    #[test]
    fn a_seed_gives_the_same_again() {
        let throw = |seed| {
            let mut dice = Dice::new(seed);
            (dice.seconds(3, 9), dice.shuffled(0..10))
        };
        assert_eq!(throw(1), throw(1));
        assert_ne!(throw(1), throw(2));
        let (length, mut all) = throw(3);
        assert!((Duration::from_secs(3)..Duration::from_secs(9)).contains(&length));
        all.sort_unstable();
        assert!(all.into_iter().eq(0..10));
    }
}
