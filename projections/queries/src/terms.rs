//! Search terms. A term is a word made by the crate `words`: no input reaches an engine as syntax.

use words::{Kind, Word, each_word, words};

/// The most terms; further words are ignored.
const MOST: usize = 16;

/// Words that a text must all have, the last one perhaps unfinished.
#[derive(Clone, Debug)]
pub(crate) struct Terms(Vec<Word>);

/// The most highlights of a text.
pub(crate) const MOST_HIGHLIGHTS: usize = 100;

/// How closely a text must match. A less close match includes the closer ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closeness {
    /// The last word may continue.
    Begun,
    Whole,
    /// Whole words with all marks.
    Written,
}

impl Closeness {
    /// The next closer one.
    pub(crate) const fn closer(self) -> Option<Self> {
        match self {
            Self::Begun => Some(Self::Whole),
            Self::Whole => Some(Self::Written),
            Self::Written => None,
        }
    }
}

/// What a text must have for one term: one of these words or, if that goes on, a word that begins with one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) words: Vec<String>,
    pub(crate) goes_on: bool,
}

/// A range of a text, in characters (code points).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Highlight {
    pub start: usize,
    /// Exclusive.
    pub end: usize,
}

impl Terms {
    /// The terms for messages. A word with signs replaces the words within it.
    pub(crate) fn of(text: &str) -> Self {
        let all = words(text);
        let is_within = |word: &Word, other: &Word| {
            matches!(other.kind, Kind::Signs { .. })
                && other.start <= word.start
                && word.end <= other.end
                && (word.start, word.end) != (other.start, other.end)
        };
        let says_more = |word: &&Word| word.written.is_some() || !all.iter().any(|other| is_within(word, other));
        Self::of_words(all.iter().filter(says_more).cloned().collect())
    }

    /// The terms for names, which are indexed without signs.
    pub(crate) fn of_name(text: &str) -> Self {
        let mut plain = words(text);
        plain.retain(|word| !matches!(word.kind, Kind::Signs { .. }));
        Self::of_words(plain)
    }

    fn of_words(mut terms: Vec<Word>) -> Self {
        terms.retain(|word| word.kind != Kind::Last);
        terms.truncate(MOST);
        Self(terms)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// For each folded word, the range of the words that begin with it: from the first, below the second.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = (&str, String)> {
        self.0.iter().map(|word| {
            let to = match word.unfinished() {
                Some((before, _, next)) => format!("{before}{next}"),
                None => format!("{}\u{10ffff}", word.folded),
            };
            (word.folded.as_str(), to)
        })
    }

    /// What a text must have to match with this closeness.
    pub(crate) fn conditions(&self, closeness: Closeness) -> Vec<Condition> {
        let condition = |word: &Word| {
            let unfinished = word.unfinished().filter(|_| closeness == Closeness::Begun && self.is_last(word));
            let words = match unfinished {
                Some((before, from, next)) => (from..next).map(|last| format!("{before}{last}")).collect(),
                None if closeness == Closeness::Written => vec![word.as_written()],
                None => vec![word.folded.clone()],
            };
            Condition { words, goes_on: is_open(word) || (closeness == Closeness::Begun && self.may_go_on(word)) }
        };
        self.0.iter().map(condition).collect()
    }

    /// Whether the word ends at the end of the search text.
    fn is_last(&self, word: &Word) -> bool {
        self.0.last().is_some_and(|last| last.end == word.end)
    }

    /// Whether the term matches words that begin with it: the last term may be unfinished.
    fn may_go_on(&self, word: &Word) -> bool {
        is_open(word) || (matches!(word.kind, Kind::Run | Kind::Signs { .. }) && self.is_last(word))
    }

    /// Whether a word of a text matches the unfinished term.
    fn begins(&self, term: &Word, word: &str) -> bool {
        match term.unfinished().filter(|_| self.is_last(term)) {
            Some((before, from, next)) => word
                .strip_prefix(before)
                .and_then(|rest| rest.chars().next())
                .is_some_and(|last| (from..next).contains(&last)),
            None => self.may_go_on(term) && word.starts_with(&term.folded),
        }
    }

    /// For each term, the terms joined to it in the search text, as bits: `objective-c` and `c++` in `objective-c++`, the
    /// pairs of a word of a script without spaces.
    fn joined(&self) -> Vec<u32> {
        let mut order: Vec<usize> = (0..self.0.len()).collect();
        order.sort_unstable_by_key(|n| (self.0[*n].start, self.0[*n].end));
        let mut joined = vec![0; self.0.len()];
        for group in order.chunk_by(|a, b| self.0[*b].start < self.0[*a].end) {
            let bits = group.iter().fold(0, |bits, n| bits | 1 << n);
            group.iter().for_each(|n| joined[*n] = bits);
        }
        joined
    }

    /// The places of the terms in a text, in order, without overlaps; at most [`MOST_HIGHLIGHTS`]. Terms that are joined in
    /// the search text count where they are joined, if they are anywhere.
    pub(crate) fn highlights(&self, text: &str) -> Vec<Highlight> {
        let mut places = Vec::new();
        each_word(text, |Word { folded, kind, start, end, .. }| {
            let is_whole = self.0.iter().any(|term| term.folded == folded);
            let matches = |term: &Word| term.folded == folded || self.begins(term, folded);
            let bits = (0..).zip(&self.0).fold(0_u32, |bits, (n, term)| bits | u32::from(matches(term)) << n);
            if bits != 0 {
                // If only the first of a pair is meant, highlight only that.
                let is_first = |term: &Word| term.kind == Kind::Alone && self.begins(term, folded);
                let end = match kind {
                    Kind::Piece { middle } if !is_whole && self.0.iter().any(is_first) => middle,
                    _ => end,
                };
                places.push((Highlight { start, end }, bits));
            }
        });
        places.sort_unstable_by_key(|(place, _)| (place.start, place.end));
        let mut found: Vec<(Highlight, u32)> = Vec::new();
        for (place, bits) in places {
            match found.last_mut() {
                Some((last, all)) if place.start < last.end => {
                    last.end = last.end.max(place.end);
                    *all |= bits;
                }
                _ => found.push((place, bits)),
            }
        }
        let mut joined = self.joined();
        for bits in &mut joined {
            // A text may have them apart only.
            if !found.iter().any(|(_, all)| all & *bits == *bits) {
                *bits = 0;
            }
        }
        let is_meant = |all: u32| (0..).zip(&joined).any(|(n, bits)| all >> n & 1 == 1 && all & bits == *bits);
        found.retain(|(_, all)| is_meant(*all));
        found.into_iter().map(|(place, _)| place).take(MOST_HIGHLIGHTS).collect()
    }
}

/// Whether words may continue the term: a single character of a script without spaces begins pairs, and anything may
/// follow the signs of `C++`.
const fn is_open(term: &Word) -> bool {
    matches!(term.kind, Kind::Alone | Kind::Signs { is_open: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_terms_are_highlighted_where_they_are_joined() {
        for (search, text, want) in [
            ("objective-c++", "C++11 and C++ and objective-c++", vec!["objective-c++"]),
            ("objective-c++", "objective-c or C++11", vec!["objective-c", "C++11"]),
            ("c++", "C++11 and C++ and objective-c++", vec!["C++11", "C++", "c++"]),
            ("東京都", "京都と東京都", vec!["東京都"]),
            ("red tea", "tea, red or green", vec!["tea", "red"]),
        ] {
            let characters: Vec<char> = text.chars().collect();
            let found = Terms::of(search).highlights(text);
            let found: Vec<String> =
                found.iter().map(|place| characters[place.start..place.end].iter().collect()).collect();
            assert_eq!(found, want, "{search} in {text}");
        }
    }
}
