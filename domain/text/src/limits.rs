//! The most characters of each kind of text, counted in NFC.

/// A first or last name.
pub const NAME: usize = 100;
/// An e-mail address (RFC 5321 allows 254 bytes).
pub const EMAIL: usize = 254;
/// The title of a conversation.
pub const TITLE: usize = 200;
/// The text of a message or story.
pub const CONTENT: usize = 8 * 1024;
/// A comment on a story.
pub const COMMENT: usize = 8 * 1024;
/// The reason of a report.
pub const REASON: usize = 200;
/// The notes on a report.
pub const NOTES: usize = 2 * 1024;
/// The status text of a person.
pub const STATUS: usize = 140;
/// The name of a device.
pub const DEVICE: usize = 200;
/// The name of a file.
pub const FILE_NAME: usize = 255;
/// A media type.
pub const MEDIA_TYPE: usize = 127;
/// A telephone number, in bytes, and so in characters.
pub const PHONE: usize = 40;
/// A link, in bytes.
pub const LINK: usize = 2_048;
/// The name of a signal, in bytes, and so in characters.
pub const SIGNAL_NAME: usize = 64;
/// A search.
pub const SEARCH: usize = 256;
/// The most bytes for each character of the limit, of a text that is kept as written.
pub const BYTES_EACH: usize = 4;
