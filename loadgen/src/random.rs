//! Pseudo-random numbers that are the same in every run, and random ones that are not.

use std::hash::{BuildHasher, RandomState};

/// SplitMix64.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The numbers that belong to the `number`-th of something.
    pub(crate) const fn of(seed: u64, number: u64) -> Self {
        let mut first = Self(seed ^ number.rotate_left(32));
        Self(first.next() ^ number)
    }

    /// A number below `end`.
    pub(crate) const fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// 64 random bits.
pub(crate) fn unique() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn neighbours_differ_and_repetitions_do_not() {
        let three = |mut random: Random| [random.below(1_000), random.below(1_000), random.below(1_000)];
        assert_eq!(three(Random::of(1, 7)), three(Random::of(1, 7)));
        assert_ne!(three(Random::of(1, 7)), three(Random::of(1, 8)));
        assert_ne!(three(Random::of(1, 7)), three(Random::of(2, 7)));
    }

    #[test]
    fn all_values_are_about_as_frequent() {
        let (mut random, mut counts) = (Random::new(3), [0; 10]);
        (0..100_000).for_each(|_| counts[random.below(10) as usize] += 1);
        assert!(counts.iter().all(|count| (9_500..10_500).contains(count)), "{counts:?}");
    }
}
