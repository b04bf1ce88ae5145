//! What an operation is about. Over REST it stands in the path, over a socket beside the other fields.

use crate::request::{Faults, Parse};
use domain::{ConversationId, MessageId, StoryId, UserId, text::Emoji};
use serde_json::Value;

/// A request about a conversation.
#[derive(Clone, Debug)]
pub struct InConversation<B> {
    /// Which.
    pub conversation: ConversationId,
    /// What is asked.
    pub body: B,
}

/// A request about a message.
#[derive(Clone, Debug)]
pub struct OnMessage<B> {
    /// Which.
    pub message: MessageId,
    /// What is asked.
    pub body: B,
}

/// A request about a story.
#[derive(Clone, Debug)]
pub struct OnStory<B> {
    /// Which.
    pub story: StoryId,
    /// What is asked.
    pub body: B,
}

/// A request about another user.
#[derive(Clone, Copy, Debug)]
pub struct WithUser {
    /// Whom.
    pub user: UserId,
}

/// A request about a reaction.
#[derive(Clone, Debug)]
pub struct WithEmoji {
    /// Which.
    pub emoji: Emoji,
}

impl<B: Parse> Parse for InConversation<B> {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let conversation = faults.object(value)?.required("conversationId");
        let body = B::parse(value, faults);
        Some(Self { conversation: conversation?, body: body? })
    }
}

impl<B: Parse> Parse for OnMessage<B> {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let message = faults.object(value)?.required("messageId");
        let body = B::parse(value, faults);
        Some(Self { message: message?, body: body? })
    }
}

impl<B: Parse> Parse for OnStory<B> {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let story = faults.object(value)?.required("storyId");
        let body = B::parse(value, faults);
        Some(Self { story: story?, body: body? })
    }
}

impl Parse for WithUser {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        Some(Self { user: faults.object(value)?.required("userId")? })
    }
}

impl Parse for WithEmoji {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        Some(Self { emoji: faults.object(value)?.required("emoji")? })
    }
}
