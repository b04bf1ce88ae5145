//! How the values of the domain are read from JSON.

use super::{Faults, Parse};
use crate::SignalKind;
use commands::{Password, UpTo};
use domain::{
    CallId, ConversationId, FileId, MessageId, SessionId, StoryId, Timestamp, UserId,
    call::CallType,
    conversation::{ConversationType, Joining},
    message::{Attachment, MessageType},
    session::Device,
    text::{CommentText, StoryText},
    text::{
        DeviceName, DisplayName, EmailAddress, Emoji, FileName, Link, MediaType, MessageBody, Notes, PhoneNumber,
        Reason, RejectedReason, Title,
    },
    user::{Preferences, Reach, Role, Way},
};
use projections::queries::MAX_LIMIT;
use serde_json::Value;
use std::num::NonZeroU32;
use uuid::{Uuid, fmt::Hyphenated};

/// What the preferences of a person may take up, as JSON.
const MAX_PREFERENCES: usize = 8 * 1024;
/// The largest size of an attachment, in bytes: every program can read it.
pub const LARGEST_SIZE: u64 = (1 << 53) - 1;

macro_rules! texts {
    ($($name:ident),*) => {$(
        impl Parse for $name {
            fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
                let text = faults.text(value)?;
                faults.checked($name::parse(text))
            }
        }
    )*};
}
texts!(
    CommentText,
    DeviceName,
    DisplayName,
    EmailAddress,
    Emoji,
    FileName,
    Link,
    MediaType,
    MessageBody,
    Notes,
    Password,
    PhoneNumber,
    StoryText,
    Reason,
    RejectedReason,
    Title
);

/// The one form in which requests give ids, as `format: uuid` has it.
pub const UUID_FORM: &str = "a UUID of 36 characters, with hyphens";

/// The id that a text of a request is, if it is one: with hyphens, in either case, and nothing around it.
#[must_use]
pub fn uuid(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|_| text.len() == Hyphenated::LENGTH)
}

macro_rules! ids {
    ($($name:ident),*) => {$(
        impl Parse for $name {
            fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
                let text = faults.text(value)?;
                match uuid(text) {
                    Some(id) => Some(id.into()),
                    None => faults.fault("malformed", format!("must be {UUID_FORM}")),
                }
            }
        }
    )*};
}
ids!(CallId, ConversationId, FileId, MessageId, SessionId, StoryId, UserId, Uuid);

macro_rules! words {
    ($($name:ident: $($variant:ident),*;)*) => {$(
        impl Parse for $name {
            fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
                let text = faults.text(value)?;
                let known = [$($name::$variant),*];
                known.into_iter().find(|word| word.as_str() == text).or_else(|| {
                    faults.fault("unknown_word", format!("must be one of {}", known.map($name::as_str).join(", ")))
                })
            }
        }
    )*};
}
words! {
    CallType: Voice, Video;
    ConversationType: Direct, Group;
    Joining: Invite, Approval, Open;
    MessageType: Text, Image, File, Video;
    Reach: Everyone, Friends;
    Role: User, Moderator, Admin;
    SignalKind: Offer, Answer, Candidate, End;
}

/// An id that a client made. The nil and the greatest UUID are refused: clients that forget to make one send them.
#[derive(Clone, Copy, Debug)]
pub struct Guid(pub Uuid);

impl Parse for Guid {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let id = <Uuid as Parse>::parse(value, faults)?;
        if id.is_nil() || id.is_max() {
            return faults.fault("malformed", "must be a UUID that was made for this");
        }
        Some(Self(id))
    }
}

/// Any JSON at all.
impl Parse for Value {
    fn parse(value: &Value, _: &mut Faults) -> Option<Self> {
        Some(value.clone())
    }
}

impl Parse for String {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        faults.text(value).map(str::to_owned)
    }
}

impl Parse for Timestamp {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let text = faults.text(value)?;
        Self::parse(text).or_else(|| faults.fault("malformed", "must be a time of RFC 3339"))
    }
}

impl Parse for bool {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        value.as_bool().or_else(|| faults.wrong_type("true or false"))
    }
}

/// Up to this, each whole number is a number of JavaScript's.
const SAFE: f64 = 9_007_199_254_740_991.0;

/// A whole number of at least 0, however it is written: `7.0` and `7e0` are 7, as JSON Schema has it.
pub fn whole(value: &Value) -> Option<u64> {
    let written_otherwise =
        |number: f64| (number.fract() == 0.0 && (0.0..=SAFE).contains(&number)).then_some(number as u64);
    value.as_u64().or_else(|| value.as_f64().and_then(written_otherwise))
}

impl Parse for u64 {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        whole(value).or_else(|| faults.wrong_type("a whole number of at least 0"))
    }
}

/// How many of a list are wanted, at every door: 1 to 200.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(pub u32);

impl Limit {
    /// The limit that a number is, if it is one.
    #[must_use]
    pub fn of(number: u64) -> Option<Self> {
        u32::try_from(number).ok().filter(|limit| (1..=MAX_LIMIT).contains(limit)).map(Self)
    }

    /// What it must be, in words.
    #[must_use]
    pub fn wanted() -> String {
        format!("a whole number from 1 to {MAX_LIMIT}")
    }
}

impl Parse for Limit {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        match whole(value) {
            Some(number) => {
                Self::of(number).or_else(|| faults.fault("out_of_range", format!("must be {}", Self::wanted())))
            }
            None => faults.wrong_type(&Self::wanted()),
        }
    }
}

impl<T: Parse> Parse for Vec<T> {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let Some(items) = value.as_array() else { return faults.wrong_type("a list") };
        let items = items.iter().enumerate();
        let read: Vec<_> =
            items.map(|(index, item)| faults.at(format_args!("[{index}]"), |faults| T::parse(item, faults))).collect();
        read.into_iter().collect()
    }
}

impl Parse for Attachment {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let mut object = faults.object(value)?;
        let file_url = object.required("fileUrl");
        let thumb_url = object.optional("thumbUrl");
        let name = object.optional("name");
        let size = object.optional("size");
        if size.is_some_and(|size: u64| size > LARGEST_SIZE) {
            return object.fault("size", "out_of_range", format!("must be a whole number up to {LARGEST_SIZE}"));
        }
        let mime = object.optional("mime");
        Some(Self { file_url: file_url?, thumb_url, name, size, mime })
    }
}

/// A seq, or the id of a message.
impl Parse for UpTo {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        match value {
            Value::Number(_) => match whole(value) {
                Some(seq) => Some(Self::Seq(seq)),
                None => faults.wrong_type("a whole number of at least 0, or the id of a message"),
            },
            Value::String(text) => match uuid(text) {
                Some(id) => Some(Self::Message(id.into())),
                None => {
                    faults.fault("malformed", format!("must be a number (a seq), or the id of a message: {UUID_FORM}"))
                }
            },
            _ => faults.wrong_type("a whole number of at least 0, or the id of a message"),
        }
    }
}

impl Parse for Preferences {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        match value {
            Value::Object(_) if value.to_string().len() > MAX_PREFERENCES => {
                faults.fault("too_long", format!("must take at most {MAX_PREFERENCES} bytes as JSON"))
            }
            Value::Object(fields) => {
                let named = |name: &str| name.chars().filter(|c| c.is_ascii_alphanumeric()).collect::<String>();
                let is_meant = |name: &&String| named(name).eq_ignore_ascii_case(Self::REACHABLE_BY);
                if let Some(name) = fields.keys().filter(is_meant).find(|name| *name != Self::REACHABLE_BY) {
                    let detail = format!("is not looked at; did you mean {:?}?", Self::REACHABLE_BY);
                    return faults.at(format_args!(".{name}"), |faults| faults.fault("unknown_field", detail));
                }
                if let Some(reach) = fields.get(Self::REACHABLE_BY).filter(|reach| !reach.is_null()) {
                    faults.at(format_args!(".{}", Self::REACHABLE_BY), |faults| reachable_by(reach, faults))?;
                }
                Some(Self(fields.clone()))
            }
            _ => faults.wrong_type("an object"),
        }
    }
}

/// Who may reach the person: a word for each way of which they say something.
fn reachable_by(value: &Value, faults: &mut Faults) -> Option<()> {
    let Some(ways) = value.as_object() else { return faults.wrong_type("an object") };
    let checked = ways.iter().map(|(name, reach)| {
        faults.at(format_args!(".{name}"), |faults| {
            if !Way::ALL.iter().any(|way| way.as_str() == name) {
                let ways = Way::ALL.map(Way::as_str).join(", ");
                return faults.fault("unknown_field", format!("is none of {ways}"));
            }
            if reach.is_null() { Some(()) } else { Reach::parse(reach, faults).map(drop) }
        })
    });
    let checked: Vec<_> = checked.collect();
    checked.into_iter().collect()
}

/// A device by its name.
impl Parse for Device {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let name = <DeviceName as Parse>::parse(value, faults)?;
        Some(Self { name: Some(name), ip: None })
    }
}
impl Parse for NonZeroU32 {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let number = whole(value).and_then(|number| u32::try_from(number).ok()).and_then(Self::new);
        number.or_else(|| match value.is_number() {
            true => faults.fault("out_of_range", format!("must be a whole number from 1 to {}", u32::MAX)),
            false => faults.wrong_type("a whole number"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_form() {
        let id = Uuid::from_u128(0xabcd_0123);
        for text in [id.hyphenated().to_string(), id.hyphenated().to_string().to_uppercase()] {
            assert_eq!(uuid(&text), Some(id));
        }
        for text in [id.simple().to_string(), id.braced().to_string(), id.urn().to_string(), format!(" {id}")] {
            assert_eq!(uuid(&text), None, "{text}");
            let mut faults = Faults::default();
            assert!(UserId::parse(&text.clone().into(), &mut faults).is_none(), "{text}");
            assert!(UpTo::parse(&text.into(), &mut faults).is_none());
        }
    }
}
