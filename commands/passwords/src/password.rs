//! A password in the clear, and its normalization.

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory},
};
use std::fmt;
use text::{Invalid, is_blank};
use unicode_normalization::UnicodeNormalization as _;

/// The fewest characters of a new password.
pub const MIN_PASSWORD: usize = 8;
/// The most characters of a new password.
pub const MAX_PASSWORD: usize = 128;
/// The longest text that is normalized, in bytes; a longer one is no password.
const MAX_PREPARED: usize = 16 * MAX_PASSWORD;

/// A password in the clear.
#[derive(Clone)]
pub struct Password {
    /// The normalized text that is hashed.
    pub(crate) prepared: String,
    /// The typed text if it differs; older hashes were made of it.
    pub(crate) typed: Option<String>,
}

impl Password {
    /// A new password: 8 to 128 characters, none of them invisible, private or unassigned. Common passwords are refused
    /// when it is hashed.
    ///
    /// # Errors
    /// [`Invalid`]: `too_short`, `too_long`, `empty` or `control_character`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let too_long = || Invalid::new("too_long", format!("must be at most {MAX_PASSWORD} characters"));
        if text.len() > MAX_PREPARED {
            return Err(too_long());
        }
        if let Some(c) = text.chars().find(|c| is_disallowed(*c)) {
            let what = "is a control character, invisible, private or not in Unicode";
            return Err(Invalid::new(
                "control_character",
                format!("must not contain U+{:04X}, which {what}", c as u32),
            ));
        }
        let prepared = prepared(text);
        match prepared.chars().count() {
            ..MIN_PASSWORD => Err(Invalid::new("too_short", format!("must be at least {MIN_PASSWORD} characters"))),
            MIN_PASSWORD..=MAX_PASSWORD if is_blank(&prepared) => {
                Err(Invalid::new("empty", "must have characters that show"))
            }
            MIN_PASSWORD..=MAX_PASSWORD => Ok(Self { prepared, typed: None }),
            _ => Err(too_long()),
        }
    }

    /// A claimed password. An invalid text is simply a wrong password.
    #[must_use]
    pub fn claimed(text: &str) -> Self {
        if text.len() > MAX_PREPARED {
            return Self { prepared: text.to_owned(), typed: None };
        }
        let prepared = prepared(text);
        let typed = (prepared != text).then(|| text.to_owned());
        Self { prepared, typed }
    }
}

/// True for characters that may not be typed again: those that RFC 8264's FreeformClass disallows, except the joiners
/// and the selector that phones insert in emoji and scripts. Conjoining jamo are allowed, as decomposed Korean consists
/// of them.
fn is_disallowed(c: char) -> bool {
    let is_typed = matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe0f}');
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    let is_no_text = matches!(
        category,
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
            | GeneralCategory::PrivateUse
            | GeneralCategory::Unassigned
    );
    !is_typed && (is_no_text || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c))
}

/// RFC 8265's OpaqueString with NFKC: all spaces are equal, as are composed and decomposed, wide and narrow characters.
fn prepared(text: &str) -> String {
    let is_space = |c: char| c.is_whitespace() && !c.is_control();
    text.chars().map(|c| if is_space(c) { ' ' } else { c }).nfkc().collect()
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_any_text_of_8_to_128_characters() {
        let code = |text: &str| Password::parse(text).err().map(|invalid| invalid.code);
        assert_eq!(code("1234567"), Some("too_short"));
        assert_eq!(code("ééé é"), Some("too_short"), "characters count");
        assert_eq!(code(&"e\u{301}".repeat(8)), None);
        assert_eq!(code(&"é".repeat(128)), None);
        assert_eq!(code(&"x".repeat(129)), Some("too_long"));
        assert_eq!(code(&"x".repeat(1 << 20)), Some("too_long"));
        assert_eq!(code("        "), Some("empty"));
        assert_eq!(code("\0\0\0\0\0\0\0\0"), Some("control_character"));
        assert_eq!(format!("{:?}", Password::claimed("correct horse")), "Password(..)");
    }

    #[test]
    fn a_new_password_has_nothing_that_cannot_be_seen_or_typed_again() {
        for refused in [
            "abc\u{202e}xyz73Kq",
            "abc\u{2066}xyz73Kq",
            "abc\u{200b}xyz73Kq",
            "abc\u{ad}xyz73Kq",
            "abc\u{3164}xyz73Kq",
            "abc\u{2028}xyz73Kq",
            "abc\u{fff9}xyz73Kq",
            "abc\u{7f}xyz73Kq",
            "abc\u{fdd0}xyz73Kq",
            "abc\u{10ffff}xyz73Kq",
            "\u{378}bcdxyz73Kq",
            "abcd\u{e000}efgh12K",
        ] {
            let code = Password::parse(refused).err().map(|invalid| invalid.code);
            assert_eq!(code, Some("control_character"), "{refused:?}");
        }
        for good in [
            "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} at the sea",
            "\u{2764}\u{fe0f} at the sea",
            "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645} \u{628}\u{62f}\u{627}\u{646}\u{645}",
            "p\u{e4}ssword",
            "pa\u{308}ssword",
            "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af} at the sea",
            "a\u{3000}good\u{a0}password",
        ] {
            assert!(Password::parse(good).is_ok(), "{good:?}");
        }
    }
}
