//! Text that came from people, parsed once at the edge. Inside, no value can be wrong.
//!
//! Text is kept exactly as written: nothing is trimmed or rewritten, save that an e-mail address is compared
//! without regard to case.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a text was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Invalid {
    /// The stable word: `empty`, `too_long`, `control_character`, `malformed`.
    pub code: &'static str,
    /// A sentence for people.
    pub detail: String,
}

impl Invalid {
    /// A refusal with its word and its sentence.
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

/// The longest status, in characters.
const MAX_STATUS: usize = 140;

/// No control characters, and at most `max` bytes; `multiline` lets line breaks and tabs through.
fn check(text: &str, max: usize, multiline: bool) -> Result<(), Invalid> {
    if text.len() > max {
        return Err(Invalid::new("too_long", format!("must be at most {max} bytes in UTF-8, was {}", text.len())));
    }
    let allowed = |c: char| !c.is_control() || (multiline && matches!(c, '\n' | '\r' | '\t'));
    match text.chars().find(|c| !allowed(*c)) {
        Some(c) => {
            Err(Invalid::new("control_character", format!("must not contain the control character U+{:04X}", c as u32)))
        }
        None => Ok(()),
    }
}

fn not_blank(text: &str) -> Result<(), Invalid> {
    if text.trim().is_empty() { Err(Invalid::new("empty", "must not be empty")) } else { Ok(()) }
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, |$text:ident| $parse:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Accepts the text, or says what is wrong with it.
            ///
            /// # Errors
            /// [`Invalid`], with a word and a sentence.
            pub fn parse($text: &str) -> Result<Self, Invalid> {
                $parse.map(|text: &str| Self(text.to_owned()))
            }
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl TryFrom<String> for $name {
            type Error = Invalid;
            fn try_from(text: String) -> Result<Self, Invalid> {
                Self::parse(&text)
            }
        }
        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text!(
    /// A first or last name: 1 to 100 bytes in one line.
    DisplayName,
    |text| not_blank(text).and_then(|()| check(text, 100, false)).map(|()| text)
);
text!(
    /// An e-mail address of at most 254 bytes; one `@` with something on both sides.
    EmailAddress,
    |text| parse_email(text)
);
text!(
    /// A telephone number: 3 to 20 digits, with `+`, spaces, dots, dashes and brackets as people write them.
    PhoneNumber,
    |text| parse_phone(text)
);
text!(
    /// The title of a conversation: 1 to 200 bytes in one line.
    Title,
    |text| not_blank(text).and_then(|()| check(text, 200, false)).map(|()| text)
);
text!(
    /// A link: `http(s)://…`, or a path of this server (`/…`), at most 2,048 bytes.
    Link,
    |text| parse_link(text)
);
text!(
    /// The text of a message, at most 8 KiB; it may be empty when attachments speak for it.
    MessageBody,
    |text| check(text, 8 * 1024, true).map(|()| text)
);
text!(
    /// The text of a story, at most 8 KiB; it may be empty when a picture speaks for it.
    StoryText,
    |text| check(text, 8 * 1024, true).map(|()| text)
);
text!(
    /// A comment: 1 byte to 8 KiB.
    CommentText,
    |text| not_blank(text).and_then(|()| check(text, 8 * 1024, true)).map(|()| text)
);
text!(
    /// One reaction: 1 to 32 bytes, no white space.
    Emoji,
    |text| parse_emoji(text)
);
text!(
    /// A file's name: 1 to 255 bytes in one line.
    FileName,
    |text| not_blank(text).and_then(|()| check(text, 255, false)).map(|()| text)
);
text!(
    /// A media type such as `image/png`, at most 127 bytes.
    MediaType,
    |text| not_blank(text).and_then(|()| check(text, 127, false)).map(|()| text)
);
text!(
    /// What a device calls itself, at most 200 bytes.
    DeviceName,
    |text| check(text, 200, false).map(|()| text)
);

text!(
    /// What is wrong with what is reported, in a word or two: 1 to 200 bytes in one line.
    Reason,
    |text| not_blank(text).and_then(|()| check(text, 200, false)).map(|()| text)
);
text!(
    /// What people write to each other about a report: at most 2 KiB.
    Notes,
    |text| check(text, 2 * 1024, true).map(|()| text)
);
text!(
    /// What somebody says of how they are: 1 to 140 characters in one line, none of which turns the direction of text.
    StatusText,
    |text| parse_status(text)
);

text!(
    /// The code of an invite: 22 to 64 letters, digits, `-` and `_`, of at least 128 random bits.
    InviteCode,
    |text| parse_code(text)
);

impl EmailAddress {
    /// The form under which an address is unique: lower case.
    #[must_use]
    pub fn canonical(&self) -> String {
        self.0.to_lowercase()
    }
}

fn parse_email(text: &str) -> Result<&str, Invalid> {
    not_blank(text)?;
    check(text, 254, false)?;
    let malformed = || Invalid::new("malformed", "must be an e-mail address");
    let (local, host) = text.split_once('@').ok_or_else(malformed)?;
    let spaced = text.chars().any(char::is_whitespace);
    if local.is_empty()
        || host.is_empty()
        || host.contains('@')
        || host.starts_with('.')
        || host.ends_with('.')
        || spaced
    {
        return Err(malformed());
    }
    Ok(text)
}

fn parse_phone(text: &str) -> Result<&str, Invalid> {
    check(text, 40, false)?;
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let known = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | ' ' | '.' | '-' | '(' | ')'));
    if known && (3..=20).contains(&digits) {
        Ok(text)
    } else {
        Err(Invalid::new("malformed", "must be a telephone number of 3 to 20 digits"))
    }
}

fn parse_link(text: &str) -> Result<&str, Invalid> {
    not_blank(text)?;
    check(text, 2_048, false)?;
    let web = ["http://", "https://"].iter().any(|scheme| text.len() > scheme.len() && text.starts_with(scheme));
    let local = text.starts_with('/') && !text.starts_with("//");
    if (web || local) && !text.chars().any(char::is_whitespace) {
        Ok(text)
    } else {
        Err(Invalid::new("malformed", "must be an http or https address, or a path of this server"))
    }
}

fn parse_status(text: &str) -> Result<&str, Invalid> {
    not_blank(text)?;
    check(text, 4 * MAX_STATUS, false)?;
    let length = text.chars().count();
    if length > MAX_STATUS {
        return Err(Invalid::new("too_long", format!("must be at most {MAX_STATUS} characters, was {length}")));
    }
    match text.chars().find(|c| turns_direction(*c)) {
        Some(c) => {
            let detail = format!("must not contain U+{:04X}, which turns the direction of text", c as u32);
            Err(Invalid::new("control_character", detail))
        }
        None => Ok(text),
    }
}

/// The embeddings, overrides and isolates of bidirectional text: beside other people's words they would rearrange
/// those, too.
const fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn parse_code(text: &str) -> Result<&str, Invalid> {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if plain && (22..=64).contains(&text.len()) {
        Ok(text)
    } else {
        Err(Invalid::new("malformed", "must be the code of an invite"))
    }
}

fn parse_emoji(text: &str) -> Result<&str, Invalid> {
    not_blank(text)?;
    check(text, 32, false)?;
    if text.chars().any(char::is_whitespace) {
        return Err(Invalid::new("malformed", "must not contain white space"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code<T>(parsed: Result<T, Invalid>) -> &'static str {
        parsed.map_or_else(|invalid| invalid.code, |_| "ok")
    }

    #[test]
    fn each_text_names_what_is_wrong_with_it() {
        for (name, want) in [
            ("Zoë", "ok"),
            ("", "empty"),
            (" \t", "empty"),
            ("a\u{0}b", "control_character"),
            ("a\nb", "control_character"),
        ] {
            assert_eq!(code(DisplayName::parse(name)), want, "{name:?}");
        }
        assert_eq!(code(DisplayName::parse(&"x".repeat(101))), "too_long");
        for (email, want) in [
            ("a@b.example", "ok"),
            ("", "empty"),
            ("a", "malformed"),
            ("@b", "malformed"),
            ("a@", "malformed"),
            ("a@b@c", "malformed"),
            ("a b@c", "malformed"),
            ("a@.c", "malformed"),
        ] {
            assert_eq!(code(EmailAddress::parse(email)), want, "{email:?}");
        }
        for (phone, want) in [("+84 (0) 90-123.45", "ok"), ("12", "malformed"), ("call me", "malformed")] {
            assert_eq!(code(PhoneNumber::parse(phone)), want, "{phone:?}");
        }
        for (link, want) in [
            ("https://a.example/x", "ok"),
            ("/files/1", "ok"),
            ("//evil.example", "malformed"),
            ("javascript:alert(1)", "malformed"),
            ("https://", "malformed"),
        ] {
            assert_eq!(code(Link::parse(link)), want, "{link:?}");
        }
        for (emoji, want) in [("👍🏽", "ok"), (":+1:", "ok"), ("a b", "malformed"), ("", "empty")] {
            assert_eq!(code(Emoji::parse(emoji)), want, "{emoji:?}");
        }
        for (status, want) in [
            ("at lunch", "ok"),
            ("", "empty"),
            ("two\nlines", "control_character"),
            ("\u{202e}nuf ton", "control_character"),
            ("\u{2066}a", "control_character"),
            ("\u{5e9}\u{5dc}\u{5d5}\u{5dd}", "ok"),
        ] {
            assert_eq!(code(StatusText::parse(status)), want, "{status:?}");
        }
        let right = "x".repeat(22);
        for (invite, want) in
            [(right.as_str(), "ok"), (&right[1..], "malformed"), (&right.replace('x', "/"), "malformed")]
        {
            assert_eq!(code(InviteCode::parse(invite)), want, "{invite:?}");
        }
        assert_eq!(code(InviteCode::parse(&"x".repeat(65))), "malformed");
        assert_eq!(code(StatusText::parse(&"\u{1f642}".repeat(140))), "ok", "characters, not bytes");
        assert_eq!(code(StatusText::parse(&"x".repeat(141))), "too_long");
        assert_eq!(code(MessageBody::parse("two\nlines")), "ok");
        assert_eq!(code(MessageBody::parse(&"x".repeat(8_193))), "too_long");
        assert_eq!(code(MessageBody::parse("\u{1b}[31m")), "control_character");
    }

    #[test]
    fn addresses_differ_only_by_more_than_case() {
        assert_eq!(EmailAddress::parse("Ana@B.Example").unwrap().canonical(), "ana@b.example");
    }
}
