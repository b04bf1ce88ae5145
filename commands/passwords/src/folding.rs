//! The letters by which passwords and words are compared.

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};
use unicode_security::confusable_detection::skeleton;

/// The text with the Latin letters that others beside them resemble: `pаssword` with a Cyrillic а. Texts of one script
/// stay.
pub(crate) fn without_lookalikes(text: &str) -> String {
    if !text.contains(|c: char| c.is_ascii_alphabetic()) {
        return text.to_owned();
    }
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        let mut bytes = [0; 4];
        let mut lookalike = skeleton(c.encode_utf8(&mut bytes));
        match (lookalike.next(), lookalike.next()) {
            (Some(latin), None) if !c.is_ascii() && latin.is_ascii_alphabetic() => folded.push(latin),
            _ => folded.push(c),
        }
    }
    folded
}

/// The letters and digits of a text, and the signs that stand for letters.
pub(crate) fn without_signs(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric() || is_combining_mark(*c) || matches!(c, '@' | '$')).collect()
}

/// A text in small letters without marks; if `spelled`, umlauts are written with an e.
pub(crate) fn folded(text: &str, spelled: bool) -> Vec<char> {
    let mut folded = String::with_capacity(text.len());
    for c in text.nfkc().flat_map(char::to_lowercase) {
        match (c, spelled) {
            ('ä', true) | ('æ', _) => folded.push_str("ae"),
            ('ö' | 'ø', true) | ('œ', _) => folded.push_str("oe"),
            ('ü', true) => folded.push_str("ue"),
            ('ß', _) => folded.push_str("ss"),
            ('ø', false) => folded.push('o'),
            ('ł', _) => folded.push('l'),
            ('đ', _) => folded.push('d'),
            ('ı', _) => folded.push('i'),
            ('ς', _) => folded.push('σ'),
            _ => folded.extend(c.nfkd().filter(|c| !is_combining_mark(*c))),
        }
    }
    // Composes Korean syllables again.
    folded.nfc().collect()
}
