//! How far each statement of a search reads: the newest messages first, so that a common word is found without reading all of
//! its messages. What was found so far tells a common word from a rare one, which the whole index answers at once.

use sql::Engine;
use words::BUCKET_BITS;

/// The buckets that the first statement reads.
const FIRST_BUCKETS: i64 = 2;
/// The same where rows are compared, which takes longer.
const FIRST_COMPARED: i64 = 1;
/// How many times as many buckets the second reads when the first found nothing.
const GROWTH: i64 = 8;
/// The most buckets of a statement.
const MOST_BUCKETS: i64 = 1_024;
/// A bucket in an expression costs about as much as this many hits (50 µs).
const BUCKET_COST: i64 = 40;
/// The rows that the first statement compares in SQLite.
const FIRST_ROWS: i64 = 512;
/// The most rows that a statement compares if the index would not have to read more hits.
const MOST_ROWS: i64 = 8_192;

/// What a statement reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Portion {
    /// The messages of the buckets from `first` to `last` (Postgres).
    Buckets { first: i64, last: i64 },
    /// The newest messages with the whole words, at most this many (SQLite).
    Rows(i64),
    /// The whole index.
    Index,
}

/// What a portion had.
#[derive(Clone, Copy, Debug)]
pub(super) struct Yield {
    /// Messages that the index returned.
    pub(super) examined: i64,
    /// Those that match.
    pub(super) found: i64,
    /// The lowest position examined.
    pub(super) lowest: Option<i64>,
}

/// The portions of a search with one closeness. Call [`next_portion`](Self::next_portion), then
/// [`note`](Self::note), in turn.
#[derive(Debug)]
pub(super) struct Portions {
    /// Whether the rows of a portion are compared one by one: the index finds beginnings of words only all at once.
    compares: bool,
    most: i64,
    /// The position below which the search began.
    start: i64,
    /// What lies below this position was not read yet.
    below: i64,
    /// Messages up to this position may lack a bucket; -1 if none does.
    without_bucket: i64,
    examined: i64,
    found: i64,
    next: Option<Portion>,
}

impl Portions {
    /// Portions for the `most` newest hits below a position.
    pub(super) fn new(engine: Engine, compares: bool, below: i64, without_bucket: i64, most: usize) -> Self {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut portions =
            Self { compares, most, start: below, below, without_bucket, examined: 0, found: 0, next: None };
        portions.next = match engine {
            _ if below <= 0 => None,
            Engine::Postgres => Some(portions.buckets(portions.first_buckets())),
            Engine::Sqlite if compares => Some(Portion::Rows(FIRST_ROWS)),
            Engine::Sqlite => Some(Portion::Index),
        };
        portions
    }

    /// The next portion, and the position below which it is read; `None` when nothing is left.
    pub(super) fn next_portion(&self) -> Option<(Portion, i64)> {
        Some((self.next?, self.below))
    }

    /// Takes what the last portion had, and decides about the next.
    pub(super) fn note(&mut self, portion: Portion, had: Yield) {
        self.examined += had.examined;
        self.found += had.found;
        self.next = match portion {
            Portion::Index => None,
            Portion::Rows(most) if had.examined < most => None,
            Portion::Rows(_) => {
                self.below = had.lowest.unwrap_or_default();
                Some(self.more_rows())
            }
            Portion::Buckets { first, .. } => {
                self.below = first << BUCKET_BITS;
                Some(self.more_buckets())
            }
        };
    }

    /// The newest buckets not read yet, or the whole index if these reach its end, or messages without a bucket.
    fn buckets(&self, count: i64) -> Portion {
        let last = (self.below - 1) >> BUCKET_BITS;
        let first = last.saturating_sub(count.saturating_sub(1));
        if first <= 0 || first << BUCKET_BITS <= self.without_bucket {
            return Portion::Index;
        }
        Portion::Buckets { first, last }
    }

    /// The buckets that the first statement reads.
    const fn first_buckets(&self) -> i64 {
        if self.compares { FIRST_COMPARED } else { FIRST_BUCKETS }
    }

    /// The portion after some buckets.
    fn more_buckets(&self) -> Portion {
        let read = (self.start - self.below).max(1);
        let wanted = self.wanted(read, 0).unwrap_or_else(|| read.saturating_mul(GROWTH));
        let count = ((wanted >> BUCKET_BITS) + 1).min(self.below >> BUCKET_BITS);
        let rows = self.examined.saturating_mul(count << BUCKET_BITS) / read;
        let reads_on = if self.found == 0 && read <= self.first_buckets() << BUCKET_BITS {
            !self.compares || rows <= MOST_ROWS
        } else if self.compares {
            self.found > 0 && self.may_compare(rows)
        } else {
            count <= MOST_BUCKETS && count.saturating_mul(BUCKET_COST) <= self.left(self.examined)
        };
        if reads_on { self.buckets(count) } else { Portion::Index }
    }

    /// The portion after some rows.
    fn more_rows(&self) -> Portion {
        let wanted = self.wanted(self.examined, FIRST_ROWS).filter(|rows| self.may_compare(*rows));
        wanted.map_or(Portion::Index, Portion::Rows)
    }

    /// Whether comparing so many rows costs less than reading all hits that are left.
    fn may_compare(&self, rows: i64) -> bool {
        rows <= self.left(self.found).max(MOST_ROWS)
    }

    /// How many of something are left if they are as frequent in what was not read yet.
    fn left(&self, so_far: i64) -> i64 {
        so_far.saturating_mul(self.below) / (self.start - self.below).max(1)
    }

    /// How much more is to be read, at least `least`: twice what the missing hits take if they are as frequent as those found.
    /// `None` if none was found.
    fn wanted(&self, read: i64, least: i64) -> Option<i64> {
        let missing = self.most.saturating_sub(self.found).max(1);
        let wanted = read.saturating_mul(2).saturating_mul(missing).checked_div(self.found)?;
        Some(wanted.max(least))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches `head` positions, where one message in `rarity` positions matches, until `most` hits are found. Returns the rows
    /// read and the statements.
    fn search(engine: Engine, compares: bool, head: i64, rarity: i64, most: usize) -> (i64, usize) {
        let mut portions = Portions::new(engine, compares, head, -1, most);
        let (mut rows, mut statements, mut found) = (0, 0, 0);
        while let Some((portion, below)) = portions.next_portion() {
            let missing = most as i64 - found;
            let had = match portion {
                Portion::Buckets { first, last } => {
                    assert_eq!(last, (below - 1) >> BUCKET_BITS, "nothing is passed over");
                    let positions = below - (first << BUCKET_BITS);
                    let examined = if compares { positions / 4 } else { positions / rarity };
                    Yield { examined, found: (positions / rarity).min(missing), lowest: None }
                }
                Portion::Rows(count) => {
                    let examined = count.min(below / 4);
                    Yield { examined, found: (examined * 4 / rarity).min(missing), lowest: Some(below - 4 * examined) }
                }
                Portion::Index => {
                    Yield { examined: below / rarity, found: (below / rarity).min(missing), lowest: None }
                }
            };
            rows += had.examined;
            statements += 1;
            found += had.found;
            if found >= most as i64 {
                break;
            }
            portions.note(portion, had);
        }
        (rows, statements)
    }

    const HEADS: [i64; 4] = [100_000, 2_500_000, 10_000_000, 100_000_000];

    #[test]
    fn a_common_word_takes_the_same_however_many_messages_have_it() {
        for head in HEADS {
            let head = head | 0x1fff;
            assert_eq!(search(Engine::Postgres, false, head + 1, 4, 128), (4_096, 1), "{head}");
            assert_eq!(search(Engine::Postgres, true, head + 1, 20, 128), (2_048, 1), "{head}");
            assert_eq!(search(Engine::Sqlite, true, head + 1, 16, 128), (512, 1), "{head}");
        }
    }

    #[test]
    fn no_word_takes_many_rows_if_it_is_as_frequent_everywhere() {
        for (head, rarity) in HEADS.into_iter().flat_map(|head| (0..27).map(move |power| (head, 1 << power))) {
            let (rows, statements) = search(Engine::Postgres, false, head, rarity, 128);
            assert!(
                rows <= 16_384 && statements <= 3,
                "{rows} rows by {statements} statements: 1 in {rarity} of {head}"
            );
        }
    }

    #[test]
    fn beginnings_are_compared_only_where_they_are_frequent() {
        for (engine, head) in HEADS.into_iter().flat_map(|head| [(Engine::Postgres, head), (Engine::Sqlite, head)]) {
            let (rows, statements) = search(engine, true, head, 400, 128);
            assert!(rows <= 45_000 && statements <= 3, "{rows} rows by {statements} statements of {head}");
            let (rows, statements) = search(engine, true, head, head * 2, 128);
            assert!(rows <= 5_000 && statements <= 3, "{rows} rows by {statements} statements: a rare one of {head}");
        }
    }

    #[test]
    fn messages_without_a_bucket_are_found_in_the_whole_index() {
        let newest = 1_000_000;
        let at =
            |without_bucket| Portions::new(Engine::Postgres, false, newest, without_bucket, 9).next_portion().unwrap();
        let last = (newest - 1) >> BUCKET_BITS;
        let first = last - 1;
        assert_eq!(at(-1), (Portion::Buckets { first, last }, newest));
        assert_eq!(at((first << BUCKET_BITS) - 1), (Portion::Buckets { first, last }, newest));
        assert_eq!(at(first << BUCKET_BITS), (Portion::Index, newest));
        assert_eq!(at(newest), (Portion::Index, newest));
        assert!(Portions::new(Engine::Postgres, false, 0, -1, 9).next_portion().is_none());
    }
}
