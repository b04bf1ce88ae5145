//! Splits texts into the words that search indexes: without marks and case, so that `toi` finds `Tôi`. Both engines
//! index these words as they are, and so find the same.
//!
//! UAX #29 decides the boundaries; a word is a run of letters and digits within them. Scripts without spaces between
//! words (Han, Kana, Thai, Lao, Khmer …) and Hangul, which has none within compounds, are cut into pairs of neighbours.
//! Pictures, such as emoji, are words of their own. A text with signs gives an extra word: `t-shirt` beside `t` and
//! `shirt`, `c++` beside `c`. Each sign is joined with its two neighbours, so that `example.org` is found in an
//! address.

#![expect(missing_docs, reason = "a field is documented where its unit, range or absence surprises")]

mod characters;
mod message;
mod reader;
mod word;

pub use message::{BUCKET_BITS, WITH_BUCKET, bucket_word, conversation_word, indexed_text, with_bucket};
pub use word::{Kind, Word};

use reader::Reader;
use word::AS_WRITTEN;

/// The version of the words; each indexed text begins with it. Raise it whenever a text gives other words, also by
/// another Unicode version: rows of another version are indexed again (`projections/src/word_index.rs`). A migration
/// creates the indexes that find them, as 0050 does, and on Postgres 0090.
pub const VERSION: &str = "†2";

/// The words of a text, ordered by where they end.
pub fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    Reader::new(|word: Word<&str>| words.push(word.owned())).read(text);
    words
}

/// Calls `found` for each word of a text.
pub fn each_word(text: &str, found: impl FnMut(Word<&str>)) {
    Reader::new(found).read(text);
}

/// Appends the indexed words of a text, each once and after a space: folded and, if that differs, as written. Returns
/// whether there are any.
pub fn index(text: &str, indexed: &mut String) -> bool {
    let mut all = String::with_capacity(text.len() * 2);
    let mut places = Vec::new();
    each_word(text, |word: Word<&str>| {
        let from = all.len();
        all.push_str(word.folded);
        places.push(from..all.len());
        if let Some(written) = word.written {
            let from = all.len();
            all.push(AS_WRITTEN);
            all.push_str(written);
            places.push(from..all.len());
        }
    });
    places.sort_unstable_by(|one, other| all[one.clone()].cmp(&all[other.clone()]));
    places.dedup_by(|one, other| all[one.clone()] == all[other.clone()]);
    for place in &places {
        indexed.push(' ');
        indexed.push_str(&all[place.clone()]);
    }
    !places.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::word::LONGEST;
    use proptest::prelude::*;
    use unicode_segmentation::UNICODE_VERSION;

    fn folded(text: &str) -> Vec<String> {
        words(text).into_iter().map(|word| word.folded).collect()
    }

    /// The words without signs.
    fn plain(text: &str) -> Vec<String> {
        let plain = |word: Word| (!matches!(word.kind, Kind::Signs { .. })).then_some(word.folded);
        words(text).into_iter().filter_map(plain).collect()
    }

    /// The words with signs, those in ASCII.
    fn signed(text: &str) -> Vec<String> {
        let narrow = |c: char| char::from_u32(u32::from(c).wrapping_sub(0xfee0)).filter(char::is_ascii).unwrap_or(c);
        let signed = |word: Word| matches!(word.kind, Kind::Signs { .. }).then_some(word.folded);
        words(text).into_iter().filter_map(signed).map(|word| word.chars().map(narrow).collect()).collect()
    }

    fn indexed(text: &str) -> String {
        let mut indexed = String::new();
        index(text, &mut indexed);
        indexed
    }

    #[test]
    fn the_version_goes_with_that_of_unicode() {
        let (normalization, script) = (unicode_normalization::UNICODE_VERSION, unicode_script::UNICODE_VERSION);
        let versions = (VERSION, UNICODE_VERSION.0, normalization.0, script.0);
        assert_eq!(versions, ("†2", 17, 18, 18), "raise VERSION with Unicode, and add a migration like 0050");
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
            ("Zu\u{ad}cker \u{200f}می\u{200c}خواهم", &["zucker", "میخواهم"]),
        ] {
            assert_eq!(plain(text), want, "{text}");
        }
    }

    #[test]
    fn what_has_signs_is_a_word_more() {
        for (text, want) in [
            ("a t-shirt", &["t-shirt", "-shirt"][..]),
            ("T\u{2011}Shirt", &["t-shirt", "-shirt"]),
            ("C++ code", &["c++"]),
            ("(C++), Ｃ＋＋11", &["c++", "c++11", "++11"]),
            ("C# and F#.", &["c#", "f#"]),
            ("#42 (#42) issue#42", &["#42", "#42", "issue#42", "#42"]),
            ("ana@example.org.", &["ana@example", "@example", "example.org", ".org"]),
            ("https://x.org/y?z=1", &["https://x", "//x", "x.org", ".org", "org/y", "/y", "y?z", "z=1"]),
            ("don’t don't", &["don't", "don't"]),
            ("50% of 5€", &["50%", "5€"]),
            ("foo_bar", &["foo_bar"]),
            ("C++の本 #東京都", &["c++", "++の本", "#東京"]),
            ("hello, world! (ok) \"so\" … - + wait... 'tis", &[]),
            ("a----------b", &["a--------", "--b"]),
        ] {
            assert_eq!(signed(text), want, "{text}");
        }
    }

    #[test]
    fn scripts_without_spaces_are_cut_into_pairs_and_pictures_stand_alone() {
        assert_eq!(folded("東京都"), ["東京", "京都", "都"]);
        assert_eq!(words("東")[0].kind, Kind::Alone);
        assert_eq!(folded("ABC東京x"), ["abc", "東京", "京", "x"]);
        assert_eq!(folded("ガ ガ"), ["カ", "カ"]);
        assert_eq!(folded("ラーメン"), ["ラー", "ーメ", "メン", "ン"]);
        assert_eq!(folded("고등학교에"), ["고등", "등학", "학교", "교에", "에"]);
        assert_eq!(folded("\u{1112}\u{1161}\u{11a8}\u{1100}\u{116d}"), ["학교", "교"], "in parts");
        assert_eq!(folded("ภาษาไทย")[..2], ["ภา", "าษ"]);
        assert_eq!(folded("ພາສາ")[..2], ["ພາ", "າສ"]);
        assert_eq!(folded("ភាសា\u{200b}ខ្មែរ"), ["ភស", "សខ", "ខម", "មរ", "រ"]);
        assert_eq!(words("รัก")[0].written.as_deref(), Some("รัก"));
        assert_eq!(folded("ok👍🏽❤\u{fe0f}!"), ["ok", "👍", "❤"]);
        assert_eq!(words("👍🏽")[0].end, 2, "the shade belongs to it");
        assert_eq!(folded("👍👍🇻🇳👩\u{200d}🚀"), ["👍", "👍", "🇻🇳", "👩🚀"]);
    }

    #[test]
    fn a_word_knows_where_it_stands_and_how_it_was_written() {
        let words = words("A 👍 To\u{302}i!");
        let places: Vec<_> = words.iter().map(|word| (word.start, word.end)).collect();
        assert_eq!(places, [(0, 1), (2, 3), (4, 8)]);
        assert_eq!(words[2].written.as_deref(), Some("tôi"));
        assert_eq!(indexed("Tôi toi TÔI"), " toi ¶tôi");
        assert_eq!((indexed(" … "), index("!", &mut String::new())), (String::new(), false));
        let long = "x".repeat(9_000);
        assert_eq!(folded(&long), ["x".repeat(LONGEST)]);
        assert_eq!(folded(&format!("é{long}")), [format!("e{}", "x".repeat(LONGEST - 1))]);
        let signed = super::words("ù C++ #ù");
        let places: Vec<_> = signed.iter().map(|word| (word.start, word.end)).collect();
        assert_eq!(places, [(0, 1), (2, 3), (2, 5), (7, 8), (6, 8)]);
    }

    #[test]
    fn a_syllable_without_its_end_is_known() {
        let words = words("고등하 학");
        assert_eq!(words[1].unfinished(), Some(("등", '하', '해')));
        assert_eq!(words[3].unfinished(), None);
        assert_eq!(
            (super::words("학교")[0].unfinished(), super::words("ab")[0].unfinished()),
            (Some(("학", '교', '구')), None)
        );
    }

    proptest! {
        #[test]
        fn any_text_has_words_within_it_of_which_nothing_is_syntax(text in "\\PC{0,40}|[a-c가각ก\u{302}\u{200b}#+' .-]{0,24}") {
            let length = text.chars().count();
            for word in words(&text) {
                prop_assert!(word.start < word.end && word.end <= length, "{word:?}");
                let taken = |c: char| c.is_ascii() && !c.is_ascii_alphanumeric();
                prop_assert!(!word.folded.is_empty() && !word.folded.contains(taken), "{word:?}");
                prop_assert!(!word.as_written().contains(taken), "{word:?}");
            }
        }

        /// Letters alone have a way of their own, and come to the same as beside a sign.
        #[test]
        fn letters_are_read_as_any_other_text(text in "[a-zàệßøж東京ラー고등ไทยာ]{1,12}") {
            let other = words(&format!("{text}\u{a7}"));
            prop_assert_eq!(words(&text), other);
        }

        /// So has ASCII.
        #[test]
        fn ascii_is_read_as_any_other_text(text in "[!-~]{0,40}") {
            let other = words(&format!("{text}\u{a7}"));
            prop_assert_eq!(words(&text), other);
        }
    }
}
