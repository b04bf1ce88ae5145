//! The text indexed for a message.

use crate::{VERSION, index};
use domain::ConversationId;

/// Begins the word of a conversation, which limits a search to some conversations.
const CONVERSATION: char = '§';

/// The word of a conversation.
#[must_use]
pub fn conversation_word(conversation: ConversationId) -> String {
    format!("{CONVERSATION}{}", conversation.0.simple())
}

/// The version of the words, the word of the conversation and all words of a message, separated by spaces; `None` for a
/// message without words. An index row of an older build is recognised by its version.
#[must_use]
pub fn indexed_text(conversation: ConversationId, text: &str) -> Option<String> {
    let mut indexed = format!("{VERSION} {}", conversation_word(conversation));
    index(text, &mut indexed).then_some(indexed)
}
