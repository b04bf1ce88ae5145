//! Reactions: one emoji recommended for general interchange (RGI), with any presentation selector.

use crate::{
    Invalid,
    value::text,
    visible::{is_blank, rgi},
};
use std::borrow::Cow;

/// The longest text that is examined, in bytes: the longest emoji, families and flags, take some 40.
const MAX: usize = 128;

text!(
    /// One reaction: an emoji, fully qualified.
    Emoji,
    |text| parse(text)
);

impl Emoji {
    /// A reaction that may predate the rule that reactions are emoji.
    ///
    /// # Errors
    /// [`Invalid`]: `empty`, `too_long`.
    pub fn claimed(text: &str) -> Result<Self, Invalid> {
        match parse(text) {
            Err(_) if !text.trim().is_empty() && text.len() <= MAX => Ok(Self(text.to_owned())),
            parsed => parsed.map(Self),
        }
    }

    /// True if the two differ by presentation selectors at most.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self == other || fully_qualified(&self.0).is_some_and(|emoji| fully_qualified(&other.0) == Some(emoji))
    }
}

fn parse(text: &str) -> Result<String, Invalid> {
    if is_blank(text) {
        return Err(Invalid::new("empty", "must not be empty"));
    }
    if text.len() > MAX {
        return Err(Invalid::new("too_long", "must be one emoji"));
    }
    fully_qualified(text).map(str::to_owned).ok_or_else(|| Invalid::new("malformed", "must be one emoji"))
}

/// The emoji with the selectors that Unicode gives it.
fn fully_qualified(text: &str) -> Option<&'static str> {
    let is_selector = |c| matches!(c, '\u{fe0e}' | '\u{fe0f}');
    let plain =
        if text.contains(is_selector) { Cow::Owned(text.replace(is_selector, "")) } else { Cow::Borrowed(text) };
    rgi(text).or_else(|| rgi(&plain))
}
