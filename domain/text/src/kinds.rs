//! The kinds of text whose rule is a line.

use crate::{
    Invalid, limits,
    rules::{as_written, lines, one_line, plain},
    value::text,
};

text!(
    /// A first or last name: at most [`limits::NAME`] characters in one line.
    DisplayName,
    |text| one_line(text, limits::NAME)
);
text!(
    /// A telephone number: 3 to 20 digits, with `+`, spaces, dots, dashes and brackets as people write them.
    PhoneNumber,
    |text| parse_phone(text.trim_matches(' ')).map(str::to_owned)
);
text!(
    /// The title of a conversation: at most [`limits::TITLE`] characters in one line.
    Title,
    |text| one_line(text, limits::TITLE)
);
text!(
    /// The text of a message, at most [`limits::CONTENT`] characters; it may be empty beside attachments.
    MessageBody,
    |text| as_written(text, limits::CONTENT)
);
text!(
    /// The text of a story, at most [`limits::CONTENT`] characters; it may be empty beside a picture.
    StoryText,
    |text| as_written(text, limits::CONTENT)
);
text!(
    /// A comment: at most [`limits::COMMENT`] characters in one line.
    CommentText,
    |text| one_line(text, limits::COMMENT)
);
text!(
    /// A file's name: at most [`limits::FILE_NAME`] characters in one line. Of a path only its last part is kept.
    FileName,
    |text| parse_file_name(text)
);
text!(
    /// A media type such as `image/png`, at most [`limits::MEDIA_TYPE`] characters (RFC 9110, 8.3.1).
    MediaType,
    |text| parse_media_type(text)
);
text!(
    /// The name that a device gives itself, at most [`limits::DEVICE`] characters in one line.
    DeviceName,
    |text| one_line(text, limits::DEVICE)
);
text!(
    /// The reason of a report, a word or two: at most [`limits::REASON`] characters in one line.
    Reason,
    |text| one_line(text, limits::REASON)
);
text!(
    /// Notes on a report, by its reporter: at most [`limits::NOTES`] characters. They may be empty.
    Notes,
    |text| if text.is_empty() { Ok(String::new()) } else { lines(text, limits::NOTES) }
);
text!(
    /// The reason why a report was rejected: at most [`limits::NOTES`] characters in one line.
    RejectedReason,
    |text| one_line(text, limits::NOTES)
);
text!(
    /// The status text of a person: at most [`limits::STATUS`] characters in one line.
    StatusText,
    |text| one_line(text, limits::STATUS)
);
text!(
    /// The code of an invite: 22 to 64 letters, digits, `-` and `_`, of at least 128 random bits.
    InviteCode,
    |text| parse_code(text).map(str::to_owned)
);

fn parse_phone(text: &str) -> Result<&str, Invalid> {
    plain(text, limits::PHONE)?;
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let known = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | ' ' | '.' | '-' | '(' | ')'));
    if known && (3..=20).contains(&digits) {
        Ok(text)
    } else {
        Err(Invalid::new("malformed", "must be a telephone number of 3 to 20 digits"))
    }
}

fn parse_file_name(text: &str) -> Result<String, Invalid> {
    let name = one_line(text.rsplit(['/', '\\']).next().unwrap_or_default(), limits::FILE_NAME)?;
    if name.chars().all(|c| c == '.') {
        return Err(Invalid::new("malformed", "must be more than dots"));
    }
    Ok(name)
}

fn parse_media_type(text: &str) -> Result<String, Invalid> {
    let text = one_line(text, limits::MEDIA_TYPE)?;
    let is_token = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
    };
    let is_quoted = |value: &str| {
        let inner = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        inner.is_some_and(|inner| inner.chars().all(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\')))
    };
    let is_parameter = |part: &str| {
        part.trim_matches(' ')
            .split_once('=')
            .is_some_and(|(name, value)| is_token(name) && (is_token(value) || is_quoted(value)))
    };
    let mut parts = text.split(';');
    let kind = parts.next().and_then(|kind| kind.trim_end_matches(' ').split_once('/'));
    if kind.is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype)) && parts.all(is_parameter) {
        Ok(text)
    } else {
        Err(Invalid::new("malformed", "must be a media type such as image/png"))
    }
}

fn parse_code(text: &str) -> Result<&str, Invalid> {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if plain && (22..=64).contains(&text.len()) {
        Ok(text)
    } else {
        Err(Invalid::new("malformed", "must be the code of an invite"))
    }
}
