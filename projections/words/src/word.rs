//! A word and its place in a text.

/// The longest distinct word, in characters; longer ones are truncated.
pub(crate) const LONGEST: usize = 64;
/// The most signs that join two words; more are a line.
pub(crate) const MOST_SIGNS: usize = 8;
/// Begins a word in its written form, indexed beside the folded one: `¶tôi` beside `toi`.
pub(crate) const AS_WRITTEN: char = '¶';
/// The Hangul syllables with one beginning: one without a final consonant, and one for each.
const ENDINGS: u32 = 28;

/// A word of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word<T = String> {
    /// Without marks and case.
    pub folded: T,
    /// As written, without case; `None` if that equals `folded`.
    pub written: Option<T>,
    pub kind: Kind,
    /// The start, in characters (code points).
    pub start: usize,
    /// The end, exclusive, in characters.
    pub end: usize,
}

/// The kind of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A run of letters and digits.
    Run,
    /// Two neighbours of a script without spaces, or a picture.
    Piece {
        /// The end of the first neighbour.
        middle: usize,
    },
    /// The last of several characters of such a script.
    Last,
    /// A single character of such a script.
    Alone,
    /// Signs with their neighbours.
    Signs {
        /// Whether anything may follow, as after the signs of `C++`.
        is_open: bool,
    },
}

impl Word<&str> {
    pub(crate) fn owned(&self) -> Word {
        let Self { folded, written, kind, start, end } = *self;
        Word { folded: folded.to_owned(), written: written.map(str::to_owned), kind, start, end }
    }
}

impl Word {
    /// The indexed form of the word as written.
    pub fn as_written(&self) -> String {
        self.written.as_ref().map_or_else(|| self.folded.clone(), |written| format!("{AS_WRITTEN}{written}"))
    }

    /// The completions of a Hangul syllable that may take a final consonant. Returns the text before it, the syllable,
    /// and the first one after the completions (하, 학 and so on to 핳).
    pub fn unfinished(&self) -> Option<(&str, char, char)> {
        let last = self.folded.chars().next_back()?;
        let place = u32::from(last).checked_sub(0xac00)?;
        let next = char::from_u32(u32::from(last) + ENDINGS)?;
        let before = self.folded.strip_suffix(last)?;
        (('가'..='힣').contains(&last) && place.is_multiple_of(ENDINGS)).then_some((before, last, next))
    }
}
