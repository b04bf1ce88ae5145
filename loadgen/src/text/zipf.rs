//! Zipf's law: a word is drawn in proportion to the inverse of its rank. G. K. Zipf, *Human Behavior and the Principle of
//! Least Effort*, 1949.

use crate::random::Random;

/// The weight of the first rank.
const FIRST: u64 = 1 << 40;

/// Draws ranks from 0 on.
pub(super) struct Zipf {
    /// For each rank the sum of the weights up to it.
    sums: Vec<u64>,
}

impl Zipf {
    pub(super) fn new(ranks: usize) -> Self {
        let weights = (1..=ranks as u64).map(|rank| FIRST / rank);
        let sums = weights.scan(0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        });
        Self { sums: sums.collect() }
    }

    pub(super) fn draw(&self, random: &mut Random) -> usize {
        let total = self.sums.last().copied().unwrap_or(1);
        let at = random.below(total);
        self.sums.partition_point(|sum| *sum <= at)
    }
}

#[cfg(test)]
mod tests {
    use super::{Random, Zipf};

    const DRAWS: usize = 400_000;
    const RANKS: usize = 4_000;

    #[test]
    fn a_rank_is_drawn_in_proportion_to_its_inverse() {
        let (zipf, mut random) = (Zipf::new(RANKS), Random::new(1));
        let mut counts = vec![0_usize; RANKS];
        (0..DRAWS).for_each(|_| counts[zipf.draw(&mut random)] += 1);
        let harmonic: f64 = (1..=RANKS).map(|rank| 1.0 / rank as f64).sum();
        for rank in [1, 2, 5, 10, 50, 100] {
            let want = DRAWS as f64 / harmonic / rank as f64;
            let ratio = counts[rank - 1] as f64 / want;
            assert!((0.8..1.2).contains(&ratio), "rank {rank}: {ratio} of what the law says");
        }
        let rare = counts[RANKS / 2..].iter().sum::<usize>() as f64 / DRAWS as f64;
        let want = (RANKS / 2 + 1..=RANKS).map(|rank| 1.0 / rank as f64).sum::<f64>() / harmonic;
        assert!((rare - want).abs() < 0.01, "the rarer half is {rare} of all draws");
    }
}
