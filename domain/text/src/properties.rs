//! Invariants of parsed texts, whatever was typed.

use super::{tests::UNSEEN, *};
use proptest::prelude::*;
use unicode_normalization::{UnicodeNormalization as _, is_nfc};

/// Letters, marks, emoji and invisible characters, in any order.
fn anything() -> impl Strategy<Value = String> {
    let some = prop_oneof![
        any::<char>(),
        prop::sample::select(UNSEEN.to_vec()),
        prop::sample::select("aZé\u{301}ßſK ﬁ①\u{ff21}上한ش\u{5d0}क\u{94d}👍❤🏽🇩🇪١\n".chars().collect::<Vec<_>>()),
    ];
    prop::collection::vec(some, 0..24).prop_map(String::from_iter)
}

proptest! {
    #[test]
    fn no_accepted_text_is_empty_to_the_eye(text in anything()) {
        let accepted = [
            DisplayName::parse(&text).map(String::from),
            Title::parse(&text).map(String::from),
            Reason::parse(&text).map(String::from),
            CommentText::parse(&text).map(String::from),
            DeviceName::parse(&text).map(String::from),
            FileName::parse(&text).map(String::from),
            StatusText::parse(&text).map(String::from),
            Emoji::parse(&text).map(String::from),
        ];
        for kept in accepted.into_iter().flatten() {
            prop_assert!(!is_blank(&kept), "{kept:?}");
            prop_assert!(is_nfc(&kept), "{kept:?}");
            prop_assert!(!kept.contains(['\u{202e}', '\u{2066}', '\u{200b}', '\u{feff}', '\u{3164}', '\0']), "{kept:?}");
        }
    }

    #[test]
    fn parsing_is_idempotent(text in anything()) {
        if let Ok(name) = Title::parse(&text) {
            prop_assert_eq!(Title::parse(name.as_str()), Ok(name));
        }
        if let Ok(emoji) = Emoji::parse(&text) {
            prop_assert_eq!(Emoji::parse(emoji.as_str()), Ok(emoji));
        }
        if let Ok(address) = EmailAddress::parse(&format!("{text}@x.example")) {
            prop_assert_eq!(EmailAddress::parse(address.as_str()), Ok(address));
        }
    }

    #[test]
    fn texts_that_people_take_for_equal_are_equal(text in anything()) {
        let of = |local: &str| EmailAddress::stored(format!("{local}@x.example")).canonical();
        let unseen: String = text.chars().flat_map(|c| [c, '\u{200b}', '\u{ad}']).collect();
        for twin in [text.nfc().collect::<String>(), text.nfd().collect(), text.nfkc().collect(), text.nfkd().collect()] {
            prop_assert_eq!(of(&twin), of(&text), "{:?}", twin);
        }
        prop_assert_eq!(email::folded(&unseen), email::folded(&text));
        prop_assert_eq!(of(&text.to_uppercase().to_lowercase()), of(&text.to_lowercase().to_uppercase()));
        let canonical = of(&text);
        prop_assert_eq!(EmailAddress::stored(canonical.clone()).canonical(), canonical);
        prop_assert_eq!(DisplayName::parse(&text.nfd().collect::<String>()), DisplayName::parse(&text.nfc().collect::<String>()));
    }
}
