//! How the values of the domain are read from JSON.

use super::{Faults, Parse};
use crate::calls::SignalKind;
use commands::{Password, UpTo};
use domain::{
    CallId, ConversationId, MessageId, SessionId, StoryId, Timestamp, UserId,
    call::CallType,
    conversation::{ConversationType, Joining},
    message::{Attachment, MessageType},
    session::Device,
    text::{CommentText, StoryText},
    text::{
        DeviceName, DisplayName, EmailAddress, Emoji, FileName, Link, MediaType, MessageBody, Notes, PhoneNumber,
        Reason, Title,
    },
    user::{Preferences, Role},
};
use serde_json::Value;
use uuid::Uuid;

/// What the preferences of a person may take up, as JSON.
const MAX_PREFERENCES: usize = 8 * 1024;

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
    Title
);

macro_rules! ids {
    ($($name:ident),*) => {$(
        impl Parse for $name {
            fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
                let text = faults.text(value)?;
                match Uuid::try_parse(text) {
                    Ok(id) => Some(id.into()),
                    Err(_) => faults.fault("malformed", "must be a UUID"),
                }
            }
        }
    )*};
}
ids!(CallId, ConversationId, MessageId, SessionId, StoryId, UserId, Uuid);

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
    MessageType: Text, Image, File, Video, Call;
    Role: User, Moderator, Admin;
    SignalKind: Offer, Answer, Candidate, End;
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

impl Parse for u64 {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        value.as_u64().or_else(|| faults.wrong_type("a whole number of at least 0"))
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
        let mime = object.optional("mime");
        Some(Self { file_url: file_url?, thumb_url, name, size, mime })
    }
}

/// A seq, or the id of a message.
impl Parse for UpTo {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        match value {
            Value::Number(number) => match number.as_u64() {
                Some(seq) => Some(Self::Seq(seq)),
                None => faults.wrong_type("a whole number of at least 0, or the id of a message"),
            },
            Value::String(_) => MessageId::parse(value, faults).map(Self::Message),
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
            Value::Object(fields) => Some(Self(fields.clone())),
            _ => faults.wrong_type("an object"),
        }
    }
}

/// A device by its name alone, or as an object.
impl Parse for Device {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let name = match value {
            Value::String(_) => <DeviceName as Parse>::parse(value, faults),
            _ => faults.object(value)?.optional("name"),
        };
        Some(Self { name, ip: None })
    }
}
