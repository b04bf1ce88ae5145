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

/// How the hits are limited to the conversations searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rooms {
    /// They are named to the index.
    Named,
    /// They are compared, or of no account: too many to be named.
    Compared,
    /// They are compared, or named where the index returns many messages of others.
    Either,
}

/// The messages that a statement reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// Those of the buckets from `first` to `last` (Postgres).
    Buckets { first: i64, last: i64 },
    /// The newest with the whole words, at most this many (SQLite).
    Rows(i64),
    /// All in the index.
    Index,
}

/// What a statement reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Portion {
    pub(super) extent: Extent,
    /// Hits lie below this position.
    pub(super) below: i64,
    /// Whether the conversations are named to the index.
    pub(super) names_rooms: bool,
}

/// What a portion had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Yield {
    /// Messages that the index returned.
    pub(super) examined: i64,
    /// Those in the conversations searched.
    pub(super) own: i64,
    /// Those that match.
    pub(super) found: i64,
    /// The lowest position examined.
    pub(super) lowest: Option<i64>,
}

/// The portions of a search with one closeness. Read `next`, then call [`note`](Self::note), in turn.
#[derive(Debug)]
pub(super) struct Portions {
    /// `None` when nothing is left.
    pub(super) next: Option<Portion>,
    /// Whether the rows of a portion are compared one by one: the index finds beginnings of words only all at once.
    compares: bool,
    rooms: Rooms,
    most: i64,
    /// The position below which the search began.
    start: i64,
    /// What lies below this position was not read yet.
    below: i64,
    /// Messages up to this position may lack a bucket; -1 if none does.
    without_bucket: i64,
    /// Of all portions so far.
    had: Yield,
    names_rooms: bool,
}

impl Portions {
    /// Portions for the `most` newest hits below a position.
    pub(super) fn new(
        engine: Engine,
        compares: bool,
        rooms: Rooms,
        below: i64,
        without_bucket: i64,
        most: usize,
    ) -> Self {
        let mut portions = Self {
            next: None,
            compares,
            rooms,
            most: i64::try_from(most).unwrap_or(i64::MAX),
            start: below,
            below,
            without_bucket,
            had: Yield::default(),
            names_rooms: rooms == Rooms::Named,
        };
        portions.next = match engine {
            _ if below <= 0 => None,
            Engine::Postgres => Some(portions.buckets(portions.first_buckets(), portions.names_rooms)),
            Engine::Sqlite if compares => Some(portions.portion(Extent::Rows(FIRST_ROWS), portions.names_rooms)),
            Engine::Sqlite => Some(portions.index()),
        };
        portions
    }

    /// Takes what the portion had, and decides about the next.
    pub(super) fn note(&mut self, portion: Portion, had: Yield) {
        self.had.examined += had.examined;
        self.had.own += had.own;
        self.had.found += had.found;
        self.names_rooms |= portion.names_rooms;
        self.next = match portion.extent {
            Extent::Index => None,
            Extent::Rows(most) if had.examined < most => None,
            Extent::Rows(_) => {
                self.below = had.lowest.unwrap_or_default();
                Some(self.more_rows())
            }
            Extent::Buckets { first, .. } => {
                self.below = first << BUCKET_BITS;
                Some(self.more_buckets())
            }
        };
    }

    const fn portion(&self, extent: Extent, names_rooms: bool) -> Portion {
        Portion { extent, below: self.below, names_rooms }
    }

    /// The newest buckets not read yet, or the whole index if these reach its end, or messages without a bucket.
    fn buckets(&self, count: i64, names_rooms: bool) -> Portion {
        let last = (self.below - 1) >> BUCKET_BITS;
        let first = last.saturating_sub(count.saturating_sub(1));
        if first <= 0 || first << BUCKET_BITS <= self.without_bucket {
            return self.index();
        }
        self.portion(Extent::Buckets { first, last }, names_rooms)
    }

    /// The whole index.
    fn index(&self) -> Portion {
        let may_be_many = self.compares || self.start == self.below || self.left(self.had.examined) > MOST_ROWS;
        self.portion(Extent::Index, self.names_rooms || (self.rooms == Rooms::Either && may_be_many))
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
        // Where rows are compared, many buckets are read in several statements: Postgres refuses an expression too long for its stack.
        let count = if self.compares { count.min(MOST_BUCKETS) } else { count };
        let expected = |so_far: i64| so_far.saturating_mul(count << BUCKET_BITS) / read;
        let names_rooms = self.names_rooms || (self.rooms == Rooms::Either && expected(self.had.examined) > MOST_ROWS);
        let so_far = if names_rooms { self.had.own } else { self.had.examined };
        let reads_on = if self.had.found == 0 && read <= self.first_buckets() << BUCKET_BITS {
            !self.compares || expected(so_far) <= MOST_ROWS
        } else if self.compares {
            self.had.found > 0 && self.may_compare(expected(so_far))
        } else {
            count <= MOST_BUCKETS && count.saturating_mul(BUCKET_COST) <= self.left(so_far)
        };
        if reads_on { self.buckets(count, names_rooms) } else { self.index() }
    }

    /// The portion after some rows.
    fn more_rows(&self) -> Portion {
        let wanted = self.wanted(self.had.examined, FIRST_ROWS).filter(|rows| self.may_compare(*rows));
        wanted.map_or_else(|| self.index(), |rows| self.portion(Extent::Rows(rows), self.names_rooms))
    }

    /// Whether comparing so many rows costs less than reading all hits that are left.
    fn may_compare(&self, rows: i64) -> bool {
        rows <= self.left(self.had.found).max(MOST_ROWS)
    }

    /// How many of something are left if they are as frequent in what was not read yet.
    fn left(&self, so_far: i64) -> i64 {
        so_far.saturating_mul(self.below) / (self.start - self.below).max(1)
    }

    /// How much more is to be read, at least `least`: twice what the missing hits take if they are as frequent as those found.
    /// `None` if none was found.
    fn wanted(&self, read: i64, least: i64) -> Option<i64> {
        let missing = self.most.saturating_sub(self.had.found).max(1);
        let wanted = read.saturating_mul(2).saturating_mul(missing).checked_div(self.had.found)?;
        Some(wanted.max(least))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches `head` positions, where one message in `rarity` positions matches, until 128 hits are found. One message in
    /// `others` is in the conversations searched. Returns the rows read, the statements, and those that named conversations.
    fn search(
        engine: Engine,
        compares: bool,
        rooms: Rooms,
        head: i64,
        rarity: i64,
        others: i64,
    ) -> (i64, usize, usize) {
        const MOST: i64 = 128;
        let mut portions = Portions::new(engine, compares, rooms, head, -1, 128);
        let (mut rows, mut statements, mut named, mut found) = (0, 0, 0, 0);
        while let Some(portion) = portions.next {
            let below = portion.below;
            let (positions, matched) = match portion.extent {
                Extent::Buckets { first, last } => {
                    assert_eq!(last, (below - 1) >> BUCKET_BITS, "nothing is passed over");
                    (below - (first << BUCKET_BITS), if compares { 4 } else { rarity })
                }
                Extent::Rows(count) => (below.min(4 * count), 4),
                Extent::Index => (below, rarity),
            };
            let own = positions / matched / others;
            let examined = if portion.names_rooms { own } else { positions / matched };
            let hits = (positions / rarity / others).min(MOST - found);
            rows += examined;
            statements += 1;
            named += usize::from(portion.names_rooms);
            found += hits;
            if found >= MOST {
                break;
            }
            portions.note(portion, Yield { examined, own, found: hits, lowest: Some(below - positions) });
        }
        (rows, statements, named)
    }

    const HEADS: [i64; 4] = [100_000, 2_500_000, 10_000_000, 100_000_000];

    #[test]
    fn a_common_word_takes_the_same_however_many_messages_have_it() {
        for head in HEADS.map(|head| (head | 0x1fff) + 1) {
            assert_eq!(search(Engine::Postgres, false, Rooms::Named, head, 4, 1), (4_096, 1, 1), "{head}");
            assert_eq!(search(Engine::Postgres, true, Rooms::Named, head, 20, 1), (2_048, 1, 1), "{head}");
            assert_eq!(search(Engine::Sqlite, true, Rooms::Named, head, 16, 1), (512, 1, 1), "{head}");
        }
    }

    #[test]
    fn no_word_takes_many_rows_if_it_is_as_frequent_everywhere() {
        for (head, rarity) in HEADS.into_iter().flat_map(|head| (0..27).map(move |power| (head, 1 << power))) {
            let (rows, statements, _) = search(Engine::Postgres, false, Rooms::Named, head, rarity, 1);
            assert!(
                rows <= 16_384 && statements <= 3,
                "{rows} rows by {statements} statements: 1 in {rarity} of {head}"
            );
        }
    }

    #[test]
    fn beginnings_are_compared_only_where_they_are_frequent() {
        for (engine, head) in HEADS.into_iter().flat_map(|head| [(Engine::Postgres, head), (Engine::Sqlite, head)]) {
            let (rows, statements, _) = search(engine, true, Rooms::Named, head, 400, 1);
            assert!(rows <= 45_000 && statements <= 3, "{rows} rows by {statements} statements of {head}");
            let (rows, statements, _) = search(engine, true, Rooms::Named, head, head * 2, 1);
            assert!(rows <= 5_000 && statements <= 3, "{rows} rows by {statements} statements: a rare one of {head}");
        }
    }

    #[test]
    fn conversations_are_named_where_others_write_the_most() {
        for head in HEADS.map(|head| (head | 0x1fff) + 1) {
            for compares in [false, true] {
                let mine = search(Engine::Postgres, compares, Rooms::Either, head, 8, 2);
                assert_eq!((mine.1, mine.2), (1, 0), "the first portion has enough: {mine:?} of {head}");
                let rare = search(Engine::Postgres, false, Rooms::Either, head, 400_000, 50);
                assert_eq!(rare.2, 0, "a rare word has no others: {rare:?} of {head}");
            }
        }
        for head in [10_000_000, 100_000_000] {
            for compares in [false, true] {
                let (rows, statements, named) = search(Engine::Postgres, compares, Rooms::Either, head, 8, 100);
                assert!(rows <= 10_000 && statements <= 3 && named > 0, "{rows} by {statements}, {named} of {head}");
            }
        }
    }

    #[test]
    fn messages_without_a_bucket_are_found_in_the_whole_index() {
        let below = 1_000_000;
        let at = |without_bucket| {
            Portions::new(Engine::Postgres, false, Rooms::Named, below, without_bucket, 9).next.map(|next| next.extent)
        };
        let last = (below - 1) >> BUCKET_BITS;
        let first = last - 1;
        assert_eq!(at(-1), Some(Extent::Buckets { first, last }));
        assert_eq!(at((first << BUCKET_BITS) - 1), Some(Extent::Buckets { first, last }));
        assert_eq!(at(first << BUCKET_BITS), Some(Extent::Index));
        assert_eq!(at(below), Some(Extent::Index));
        assert!(Portions::new(Engine::Postgres, false, Rooms::Named, 0, -1, 9).next.is_none());
    }
}
