//! The type and the content of a message.

use crate::text::{FileName, Link, MediaType, MessageBody};
use serde::{Deserialize, Serialize};

/// The type of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum MessageType {
    /// Text.
    #[default]
    Text,
    /// Pictures.
    Image,
    /// Files.
    File,
    /// Videos.
    Video,
    /// The record of a call.
    Call,
}

impl MessageType {
    /// The word in the protocol.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "TEXT",
            Self::Image => "IMAGE",
            Self::File => "FILE",
            Self::Video => "VIDEO",
            Self::Call => "CALL",
        }
    }
}

/// The content of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageContent {
    /// The text.
    pub body: MessageBody,
    /// Its attachments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
}

/// A file attached to a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// The link to the file.
    pub file_url: Link,
    /// The link to a thumbnail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumb_url: Option<Link>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<FileName>,
    /// Its size in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Its media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime: Option<MediaType>,
}
