//! A member's own settings of a conversation.

mod change;
