//! Text that people wrote, parsed once at the edge. A parsed value satisfies the rules of its kind.
//!
//! Names (of people, conversations, devices, files; reasons, comments) are kept in NFC without outer blanks and invisible characters.
//! Speech (messages, stories) is kept exactly as written. Limits count characters in NFC; a text that is
//! kept as written takes at most four bytes for each character of its limit. ADR 29.
//!
//! A stored text is read unchecked: the rules of its time accepted it.

mod email;
mod emoji;
pub mod hex;
mod invalid;
mod kinds;
pub mod limits;
pub mod link;
#[cfg(test)]
mod properties;
mod rules;
#[cfg(test)]
mod tests;
mod value;
mod visible;

pub use email::EmailAddress;
pub use emoji::Emoji;
pub use invalid::Invalid;
pub use kinds::{
    CommentText, DeviceName, DisplayName, FileName, InviteCode, MediaType, MessageBody, Notes, PhoneNumber, Reason,
    RejectedReason, StatusText, StoryText, Title,
};
pub use link::Link;
pub use visible::{is_blank, without_hidden};
