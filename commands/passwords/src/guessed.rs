//! What is guessed first in other languages than English: the word for password, the parts of a year, and rows of keys.

use crate::folding::folded;
use std::{collections::BTreeSet, sync::LazyLock};

/// Words that are guessed with a number or a few signs beside them, one a line.
const WORDS: &str = include_str!("guessed.txt");
/// More letters and digits beside a word are no longer guessed with it.
const FEW_CHARACTERS: usize = 6;
/// The keys of a Latin keyboard, row by row.
const LATIN: &str = "qwertyuiop[]asdfghjkl;'zxcvbnm,.";
/// The same keys of other keyboards, as far as they type letters: Russian, Ukrainian, Greek, Hebrew, Arabic.
const OTHERS: [&str; 5] = [
    "йцукенгшщзхъфывапролджэячсмитьбю",
    "йцукенгшщзхїфівапролджєячсмитьбю",
    " ςερτυθιοπ  ασδφγηξκλ  ζχψωβνμ  ",
    "  קראטוןםפ  שדגכעיחלךף זסבהנמצתץ",
    "ضصثقفغعهخحجدشسيبلاتنمكطئءؤر ىةوز",
];

static FOLDED: LazyLock<BTreeSet<Vec<char>>> =
    LazyLock::new(|| WORDS.split_whitespace().map(|word| letters(&folded(word, false))).collect());

/// True for one of the words, with a few digits beside it and any signs. `password` is folded.
pub(crate) fn is_word_with_number(password: &[char]) -> bool {
    let word = letters(password);
    let counted = password.iter().filter(|c| c.is_alphanumeric()).count();
    counted - word.len() <= FEW_CHARACTERS && FOLDED.contains(&word)
}

fn letters(folded: &[char]) -> Vec<char> {
    folded.iter().copied().filter(|c| c.is_alphabetic()).collect()
}

/// What the same keys type on a Latin keyboard, when all letters are from one other keyboard. `password` is in small
/// letters.
pub(crate) fn typed_on_latin_keys(password: &str) -> Option<String> {
    OTHERS.iter().find_map(|keyboard| {
        let key = |c: char| {
            let at = keyboard.chars().position(|key| key == c && c != ' ')?;
            LATIN.chars().nth(at)
        };
        let is_from_here = |c: char| !c.is_alphabetic() || key(c).is_some();
        let is_typed = password.chars().all(is_from_here) && password.chars().any(|c| key(c).is_some());
        is_typed.then(|| password.chars().map(|c| key(c).unwrap_or(c)).collect())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_keyboard_has_all_keys() {
        for keyboard in OTHERS {
            assert_eq!(keyboard.chars().count(), LATIN.chars().count(), "{keyboard}");
        }
        assert_eq!(typed_on_latin_keys("зфыыцщкв1").as_deref(), Some("password1"));
        assert_eq!(typed_on_latin_keys("password"), None);
        assert_eq!(typed_on_latin_keys("12345678"), None);
    }

    #[test]
    fn a_word_is_guessed_with_few_characters_beside_it() {
        let is_guessed = |text: &str| is_word_with_number(&folded(text, false));
        assert!(is_guessed("12пароль2026") && !is_guessed("123пароль2026") && !is_guessed("20261130"));
        assert!(FOLDED.iter().all(|word| !word.is_empty()));
    }
}
