//! Words as they are searched: without marks and case, so that `toi` finds `Tôi`. Both engines index what this makes of a
//! text, as it stands: so they find the same.
//!
//! A word is a run of letters and digits. Scripts that write no spaces between words (Han, Kana, Thai …) are cut into
//! pairs of neighbours; pictures, such as emoji, are words of their own.

use std::collections::BTreeSet;
use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// The longest word that is told from longer ones, in characters.
const LONGEST: usize = 64;
/// Begins a word as it was written, beside the folded one: `¶tôi` beside `toi`.
const AS_WRITTEN: char = '¶';

/// A word of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// Without marks and case.
    pub(crate) folded: String,
    /// As it was written, but for case, where that is something else.
    pub(crate) written: Option<String>,
    /// What it is.
    pub(crate) kind: Kind,
    /// Where it begins, in characters (code points).
    pub(crate) start: usize,
    /// Where it has ended.
    pub(crate) end: usize,
}

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A run of letters and digits.
    Run,
    /// Two neighbours of a script without spaces, or one picture.
    Piece,
    /// The last character of such a script, after others.
    Last,
    /// One that stands alone.
    Alone,
}

/// The words of a text, in its order.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let mut reader = Reader::default();
    let mut folded = String::new();
    for (at, c) in text.chars().enumerate() {
        folded.clear();
        fold(c, &mut folded);
        reader.read(at, c, &folded);
    }
    reader.close();
    reader.words
}

/// What of a text is indexed: each of its words once, folded and, where that is something else, as written.
pub(crate) fn indexed(text: &str) -> BTreeSet<String> {
    let mut index = BTreeSet::new();
    for word in words(text) {
        index.extend(word.written.map(|written| format!("{AS_WRITTEN}{written}")));
        index.insert(word.folded);
    }
    index
}

/// Under which word a word is indexed as it was written.
pub(crate) fn as_written(word: &Word) -> String {
    word.written.as_ref().map_or_else(|| word.folded.clone(), |written| format!("{AS_WRITTEN}{written}"))
}

/// Characters without marks and case; nothing for a mark.
fn fold(c: char, folded: &mut String) {
    if c.is_ascii() {
        folded.push(c.to_ascii_lowercase());
        return;
    }
    let letters = std::iter::once(c).nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase);
    for letter in letters.filter(|c| !is_combining_mark(*c)) {
        match letter {
            'đ' | 'ð' => folded.push('d'),
            'ħ' => folded.push('h'),
            'ı' => folded.push('i'),
            'ł' => folded.push('l'),
            'ø' => folded.push('o'),
            'ŧ' => folded.push('t'),
            'ς' => folded.push('σ'),
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'þ' => folded.push_str("th"),
            letter => folded.push(letter),
        }
    }
}

/// Scripts that write no spaces between words.
const fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}'
        | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

/// Arrows, signs and emoji, without the shades of skin.
const fn is_picture(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{23ff}' | '\u{25a0}'..='\u{27bf}' | '\u{2900}'..='\u{297f}' | '\u{2b00}'..='\u{2bff}'
        | '\u{1f000}'..='\u{1f3fa}' | '\u{1f400}'..='\u{1faff}')
}

/// What is part of whatever stands before it.
fn is_mark(c: char) -> bool {
    is_combining_mark(c) || matches!(c, '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}')
}

#[derive(Default)]
struct Reader {
    words: Vec<Word>,
    open: Option<Open>,
}

/// What is being read.
enum Open {
    Run {
        folded: String,
        written: String,
        start: usize,
        end: usize,
    },
    /// Characters of a script without spaces, folded, with where they begin and end.
    Unspaced(Vec<(String, usize, usize)>),
}

impl Reader {
    fn read(&mut self, at: usize, c: char, folded: &str) {
        let letters = || folded.chars().filter(|c| c.is_alphanumeric());
        if is_mark(c) {
            self.lengthen(at + 1, c);
        } else if folded.chars().any(is_unspaced) && letters().next().is_some() {
            let piece = (letters().collect(), at, at + 1);
            match &mut self.open {
                Some(Open::Unspaced(pieces)) => pieces.push(piece),
                _ => {
                    self.close();
                    self.open = Some(Open::Unspaced(vec![piece]));
                }
            }
        } else if letters().next().is_some() {
            if !matches!(self.open, Some(Open::Run { .. })) {
                self.close();
                self.open = Some(Open::Run { folded: String::new(), written: String::new(), start: at, end: at });
            }
            if let Some(Open::Run { folded, written, end, .. }) = &mut self.open {
                folded.extend(letters());
                written.push(c);
                *end = at + 1;
            }
        } else {
            self.close();
            if is_picture(c) {
                let (folded, written) = (c.to_string(), None);
                self.words.push(Word { folded, written, kind: Kind::Piece, start: at, end: at + 1 });
            }
        }
    }

    /// A mark belongs to what stands before it.
    fn lengthen(&mut self, until: usize, mark: char) {
        match &mut self.open {
            Some(Open::Run { written, end, .. }) => {
                written.push(mark);
                *end = until;
            }
            Some(Open::Unspaced(pieces)) => {
                if let Some(last) = pieces.last_mut() {
                    last.2 = until;
                }
            }
            None => {
                if let Some(last) = self.words.last_mut().filter(|last| last.end + 1 == until) {
                    last.end = until;
                }
            }
        }
    }

    fn close(&mut self) {
        match self.open.take() {
            None => (),
            Some(Open::Run { folded, written, start, end }) => {
                let folded: String = folded.chars().take(LONGEST).collect();
                let written = written.nfc().flat_map(char::to_lowercase).map(|c| if c == 'ς' { 'σ' } else { c });
                let written = Some(written.take(LONGEST).collect()).filter(|written| *written != folded);
                self.words.push(Word { folded, written, kind: Kind::Run, start, end });
            }
            Some(Open::Unspaced(pieces)) => self.cut(&pieces),
        }
    }

    fn cut(&mut self, pieces: &[(String, usize, usize)]) {
        let word = |folded, kind, start, end| Word { folded, written: None, kind, start, end };
        for pair in pieces.windows(2) {
            if let [(a, start, _), (b, _, end)] = pair {
                self.words.push(word(format!("{a}{b}"), Kind::Piece, *start, *end));
            }
        }
        if let Some((last, start, end)) = pieces.last() {
            let kind = if pieces.len() == 1 { Kind::Alone } else { Kind::Last };
            self.words.push(word(last.clone(), kind, *start, *end));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> Vec<String> {
        words(text).into_iter().map(|word| word.folded).collect()
    }

    #[test]
    fn marks_and_case_do_not_count() {
        for (text, want) in [
            ("Tôi yêu Việt Nam", &["toi", "yeu", "viet", "nam"][..]),
            ("To\u{302}i", &["toi"]),
            ("Đường ĐÊM", &["duong", "dem"]),
            ("Straße STRASSE", &["strasse", "strasse"]),
            ("İstanbul ISTANBUL ıstanbul", &["istanbul", "istanbul", "istanbul"]),
            ("ΑΓΆΠΗΣ αγάπης", &["αγαπησ", "αγαπησ"]),
            ("Ｆｕｌｌ ﬁne", &["full", "fine"]),
            ("don't", &["don", "t"]),
            ("a_b c-d e@f.g 7½", &["a", "b", "c", "d", "e", "f", "g", "712"]),
            ("\"'\\*:&|!()<> \u{0}", &[]),
        ] {
            assert_eq!(folded(text), want, "{text}");
        }
    }

    #[test]
    fn scripts_without_spaces_are_cut_into_pairs_and_pictures_stand_alone() {
        assert_eq!(folded("東京都"), ["東京", "京都", "都"]);
        assert_eq!(words("東")[0].kind, Kind::Alone);
        assert_eq!(folded("ABC東京x"), ["abc", "東京", "京", "x"]);
        assert_eq!(folded("ガ ガ"), ["カ", "カ"]);
        assert_eq!(folded("ok👍🏽❤\u{fe0f}!"), ["ok", "👍", "❤"]);
        assert_eq!(words("👍🏽")[0].end, 2, "the shade belongs to it");
    }

    #[test]
    fn a_word_knows_where_it_stands_and_how_it_was_written() {
        let words = words("A 👍 To\u{302}i!");
        let places: Vec<_> = words.iter().map(|word| (word.start, word.end)).collect();
        assert_eq!(places, [(0, 1), (2, 3), (4, 8)]);
        assert_eq!(words[2].written.as_deref(), Some("tôi"));
        assert_eq!(indexed("Tôi toi TÔI"), BTreeSet::from(["toi".to_owned(), "¶tôi".to_owned()]));
        let long = "x".repeat(9_000);
        assert_eq!(folded(&long), ["x".repeat(LONGEST)]);
    }
}
