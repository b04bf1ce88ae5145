//! The text indexed for a message.

use crate::{VERSION, index};
use domain::ConversationId;

/// Begins the word of a conversation, which limits a search to some conversations.
const CONVERSATION: char = '§';
/// Begins the word of a bucket, which limits a search to some positions.
const BUCKET: char = '‡';
/// A bucket is 2 to the power of this many consecutive positions.
pub const BUCKET_BITS: u32 = 13;
/// Begins each indexed text of this version with a bucket.
pub const WITH_BUCKET: &str = "†2 ‡";

/// The word of a conversation.
#[must_use]
pub fn conversation_word(conversation: ConversationId) -> String {
    format!("{CONVERSATION}{}", conversation.0.simple())
}

/// The word of a bucket, which is a position shifted right by [`BUCKET_BITS`].
#[must_use]
pub fn bucket_word(bucket: u64) -> String {
    format!("{BUCKET}{bucket:x}")
}

/// The version of the words, the word of the conversation and all words of a message, separated by spaces; `None` for a
/// message without words. An index row of an older build is recognised by its version.
#[must_use]
pub fn indexed_text(conversation: ConversationId, text: &str) -> Option<String> {
    let mut indexed = format!("{VERSION} {}", conversation_word(conversation));
    index(text, &mut indexed).then_some(indexed)
}

/// An indexed text with the word of the message's bucket after the version.
#[must_use]
pub fn with_bucket(indexed: &str, position: u64) -> String {
    let words = indexed.strip_prefix(VERSION).unwrap_or(indexed);
    format!("{VERSION} {}{words}", bucket_word(position >> BUCKET_BITS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_stands_after_the_version() {
        assert_eq!(with_bucket("†2 §ab hello you", 0x1a_3fff), "†2 ‡d1 §ab hello you");
        assert_eq!(with_bucket("†2 §ab a", 0), "†2 ‡0 §ab a");
        assert_eq!(WITH_BUCKET, format!("{VERSION} {BUCKET}"), "a version has a constant of its own");
    }
}
