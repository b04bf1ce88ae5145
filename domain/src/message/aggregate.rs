//! The state of a message and the decisions over it.

use super::{Draft, MessageCommand, MessageError, MessageEvent};
use crate::{
    Aggregate, AggregateType, ConversationId, MessageId, Personal, UserId, handle_by_deciding,
    text::{Emoji, FileName, Link, MediaType, MessageBody},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The most attachments of a message.
pub const MAX_ATTACHMENTS: usize = 20;
/// The most mentions in a message.
pub const MAX_MENTIONS: usize = 100;
/// The most kinds of reaction on a message.
pub const MAX_REACTIONS: usize = 50;

/// How often a message can be edited.
pub const MAX_EDITS: u32 = 10_000;
/// How often one person can react to a message, those reactions included that they took back.
pub const MAX_REACTIONS_EACH: u32 = 5_000;

/// What a message is.
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
    /// Films.
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

/// What a person put into a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageContent {
    /// The text.
    pub body: MessageBody,
    /// What is attached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
}

/// A file attached to a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// Where it lies.
    pub file_url: Link,
    /// Where a small picture of it lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumb_url: Option<Link>,
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<FileName>,
    /// Its size in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Its media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime: Option<MediaType>,
}

/// The state of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    sent: Option<Posted>,
    deleted: bool,
    hidden_for: BTreeSet<UserId>,
    reactions: BTreeMap<Emoji, BTreeSet<UserId>>,
    edits: u32,
    /// How often each has reacted.
    reacted: BTreeMap<UserId, u32>,
}

/// What was posted, with its text as it is now; `content` is `None` once forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posted {
    /// Where.
    pub conversation: ConversationId,
    /// By whom.
    pub sender: UserId,
    /// What it is.
    pub message_type: MessageType,
    /// The first content: a repeated `guid` is compared with it.
    original: Option<MessageContent>,
    /// The content now.
    pub content: Option<MessageContent>,
    /// The message it answers.
    pub reply_to: Option<MessageId>,
    /// Whom it mentions.
    pub mentions: Vec<UserId>,
}

impl Message {
    /// What was posted; `None` for a stream without events.
    #[must_use]
    pub const fn posted(&self) -> Option<&Posted> {
        self.sent.as_ref()
    }

    /// Whether it was removed for everybody.
    #[must_use]
    pub const fn is_deleted(&self) -> bool {
        self.deleted
    }

    /// Whether `user` removed it for themselves.
    #[must_use]
    pub fn is_hidden_for(&self, user: UserId) -> bool {
        self.hidden_for.contains(&user)
    }

    /// Who reacted how.
    #[must_use]
    pub const fn reactions(&self) -> &BTreeMap<Emoji, BTreeSet<UserId>> {
        &self.reactions
    }

    /// How many entries its state keeps of people: reactions, how often they were made, and for whom it is hidden.
    #[must_use]
    pub fn people(&self) -> usize {
        let reactions: usize = self.reactions.values().map(BTreeSet::len).sum();
        reactions + self.reacted.len() + self.hidden_for.len()
    }

    /// The message as `user` may know it.
    fn seen_by(&self, user: UserId) -> Result<&Posted, MessageError> {
        self.sent.as_ref().filter(|_| !self.hidden_for.contains(&user)).ok_or(MessageError::NotFound)
    }

    fn undeleted(&self) -> Result<(), MessageError> {
        if self.deleted { Err(MessageError::Deleted) } else { Ok(()) }
    }

    fn send(&self, draft: Draft) -> Result<Vec<MessageEvent>, MessageError> {
        if let Some(first) = &self.sent {
            return if first.is_draft(&draft) { Ok(vec![]) } else { Err(MessageError::GuidTaken) };
        }
        let Draft { conversation, sender, message_type, content, reply_to, mentions } = draft;
        let blank = content.body.as_str().trim().is_empty();
        if blank && (message_type == MessageType::Text || content.attachments.is_empty()) {
            return Err(MessageError::Empty);
        }
        if content.attachments.len() > MAX_ATTACHMENTS {
            return Err(MessageError::TooManyAttachments);
        }
        if mentions.len() > MAX_MENTIONS {
            return Err(MessageError::TooManyMentions);
        }
        Ok(vec![MessageEvent::Sent {
            conversation,
            sender,
            message_type,
            content: Personal::new(sender, content),
            reply_to,
            mentions,
        }])
    }

    fn edit(&self, by: UserId, body: MessageBody) -> Result<Vec<MessageEvent>, MessageError> {
        let posted = self.seen_by(by)?;
        self.undeleted()?;
        if posted.sender != by {
            return Err(MessageError::SenderOnly);
        }
        let Some(content) = &posted.content else { return Err(MessageError::NotFound) };
        let blank = body.as_str().trim().is_empty();
        if blank && (posted.message_type == MessageType::Text || content.attachments.is_empty()) {
            return Err(MessageError::Empty);
        }
        if content.body == body {
            return Ok(vec![]);
        }
        if self.edits >= MAX_EDITS {
            return Err(MessageError::TooManyEdits);
        }
        Ok(vec![MessageEvent::Edited { conversation: posted.conversation, by, body: Personal::new(by, body) }])
    }

    fn react(&self, user: UserId, emoji: Emoji) -> Result<Vec<MessageEvent>, MessageError> {
        let conversation = self.seen_by(user)?.conversation;
        self.undeleted()?;
        match self.reactions.get(&emoji) {
            Some(users) if users.contains(&user) => Ok(vec![]),
            None if self.reactions.len() >= MAX_REACTIONS => Err(MessageError::TooManyReactions),
            _ if self.reacted.get(&user).is_some_and(|times| *times >= MAX_REACTIONS_EACH) => {
                Err(MessageError::TooManyReactionChanges)
            }
            _ => Ok(vec![MessageEvent::Reacted { conversation, user, emoji: Personal::new(user, emoji) }]),
        }
    }
}

impl Posted {
    fn is_draft(&self, draft: &Draft) -> bool {
        self.conversation == draft.conversation
            && self.sender == draft.sender
            && self.message_type == draft.message_type
            && self.original.as_ref() == Some(&draft.content)
    }
}

impl Aggregate for Message {
    const AGGREGATE: AggregateType = AggregateType::Message;

    fn decide(&self, command: MessageCommand) -> Result<Vec<MessageEvent>, MessageError> {
        match command {
            MessageCommand::Send(draft) => self.send(draft),
            MessageCommand::Edit { by, body } => self.edit(by, body),
            MessageCommand::Delete { by, leads } => {
                let posted = self.seen_by(by)?;
                if posted.sender != by && !leads {
                    return Err(MessageError::SenderOnly);
                }
                let event = MessageEvent::Deleted { conversation: posted.conversation, by };
                Ok(if self.deleted { vec![] } else { vec![event] })
            }
            MessageCommand::Remove { by } => {
                let Some(posted) = &self.sent else { return Err(MessageError::NotFound) };
                let event = MessageEvent::Deleted { conversation: posted.conversation, by };
                Ok(if self.deleted { vec![] } else { vec![event] })
            }
            MessageCommand::Hide { user } => {
                let Some(posted) = &self.sent else { return Err(MessageError::NotFound) };
                let event = MessageEvent::Hidden { conversation: posted.conversation, user };
                Ok(if self.hidden_for.contains(&user) { vec![] } else { vec![event] })
            }
            MessageCommand::React { user, emoji } => self.react(user, emoji),
            MessageCommand::Unreact { user, emoji } => {
                let conversation = self.seen_by(user)?.conversation;
                self.undeleted()?;
                let reacted = self.reactions.get(&emoji).is_some_and(|users| users.contains(&user));
                let emoji = Personal::new(user, emoji);
                Ok(if reacted { vec![MessageEvent::Unreacted { conversation, user, emoji }] } else { vec![] })
            }
        }
    }
}

impl cqrs_es::Aggregate for Message {
    const TYPE: &'static str = AggregateType::Message.as_str();
    type Command = MessageCommand;
    type Event = MessageEvent;
    type Error = MessageError;
    type Services = ();

    handle_by_deciding!();

    fn apply(&mut self, event: MessageEvent) {
        match event {
            MessageEvent::Sent { conversation, sender, message_type, content, reply_to, mentions } => {
                let content = content.get().cloned();
                let original = content.clone();
                self.sent = Some(Posted { conversation, sender, message_type, original, content, reply_to, mentions });
            }
            MessageEvent::Edited { body, .. } => {
                self.edits = self.edits.saturating_add(1);
                let content = self.sent.as_mut().and_then(|posted| posted.content.as_mut());
                if let (Some(content), Some(body)) = (content, body.get()) {
                    content.body = body.clone();
                }
            }
            MessageEvent::Deleted { .. } => {
                self.deleted = true;
                self.reactions.clear();
                self.reacted.clear();
            }
            MessageEvent::Hidden { user, .. } => {
                self.hidden_for.insert(user);
            }
            MessageEvent::Reacted { user, emoji, .. } => {
                let times = self.reacted.entry(user).or_default();
                *times = times.saturating_add(1);
                if let Some(emoji) = emoji.get() {
                    self.reactions.entry(emoji.clone()).or_default().insert(user);
                }
            }
            MessageEvent::Unreacted { user, emoji, .. } => {
                if let Some(emoji) = emoji.get()
                    && let Some(users) = self.reactions.get_mut(emoji)
                {
                    users.remove(&user);
                    if users.is_empty() {
                        self.reactions.remove(emoji);
                    }
                }
            }
        }
    }
}
