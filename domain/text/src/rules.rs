//! The rules that kinds of text share.

use crate::{
    Invalid, limits,
    visible::{self, is_blank},
};
use unicode_normalization::UnicodeNormalization as _;

fn too_long(max: usize) -> Invalid {
    Invalid::new("too_long", format!("must be at most {max} characters"))
}

fn too_many_bytes(max: usize, bytes: usize) -> Invalid {
    Invalid::new("too_long", format!("must be at most {max} bytes in UTF-8, was {bytes}"))
}

pub(crate) fn not_blank(text: &str) -> Result<(), Invalid> {
    if is_blank(text) {
        Err(Invalid::new("empty", "must not be empty: at least one character must show"))
    } else {
        Ok(())
    }
}

/// One line in NFC with a visible character and no invisible one. Outer blanks and what is typed without any effect are
/// dropped.
pub(crate) fn one_line(text: &str, max: usize) -> Result<String, Invalid> {
    named(text, max, false)
}

/// As [`one_line`], with line breaks and tabs allowed.
pub(crate) fn lines(text: &str, max: usize) -> Result<String, Invalid> {
    named(text, max, true)
}

fn named(text: &str, max: usize, breaks: bool) -> Result<String, Invalid> {
    not_blank(text)?;
    let text: String = visible::without_idle(text).nfc().collect();
    let text = text.trim_matches(|c: char| c.is_whitespace() && !visible::is_hidden(c));
    if text.chars().count() > max {
        return Err(too_long(max));
    }
    visible::nothing_hidden(text, breaks)?;
    Ok(text.to_owned())
}

/// Kept as written, without control characters other than line breaks and tabs. It may be empty.
pub(crate) fn as_written(text: &str, max: usize) -> Result<String, Invalid> {
    // Each character in NFC comes from at least one byte.
    if text.len() > max && visible::length(text) > max {
        return Err(too_long(max));
    }
    let bytes = limits::BYTES_EACH * max;
    if text.len() > bytes {
        return Err(too_many_bytes(bytes, text.len()));
    }
    match text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        Some(c) => Err(control_character(c)),
        None => Ok(text.to_owned()),
    }
}

/// One line whose syntax others define, such as a link: no control character, at most `max` bytes.
pub(crate) fn plain(text: &str, max: usize) -> Result<(), Invalid> {
    if text.len() > max {
        return Err(too_many_bytes(max, text.len()));
    }
    match text.chars().find(|c| c.is_control()) {
        Some(c) => Err(control_character(c)),
        None => Ok(()),
    }
}

fn control_character(c: char) -> Invalid {
    Invalid::new("control_character", format!("must not contain the control character U+{:04X}", c as u32))
}
