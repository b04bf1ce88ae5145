//! The state of a message and the decisions over it.

use super::{Attachment, Draft, MessageCommand, MessageContent, MessageError, MessageEvent, MessageType};
use crate::{
    Aggregate, AggregateType, ConversationId, MessageId, Personal, UserId, handle_by_deciding,
    text::{Emoji, MessageBody, is_blank},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The most attachments of a message.
pub const MAX_ATTACHMENTS: usize = 20;
/// The most mentions in a message.
pub const MAX_MENTIONS: usize = 100;
/// The most kinds of reaction on a message.
pub const MAX_REACTIONS: usize = 50;
/// The most kinds of reaction of one person on a message.
pub const MAX_OWN_REACTIONS: usize = 10;

/// The most pinned messages of a conversation.
pub const MAX_PINS: u64 = 100;
/// The most edits of a message.
pub const MAX_EDITS: u32 = 10_000;
/// The most reactions of one person to a message, removed ones included.
pub const MAX_REACTIONS_EACH: u32 = 5_000;

/// The state of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    sent: Option<Posted>,
    deleted: bool,
    pinned: bool,
    hidden_for: BTreeSet<UserId>,
    reactions: BTreeMap<Emoji, BTreeSet<UserId>>,
    edits: u32,
    /// The reactions of each person, removed ones included.
    reacted: BTreeMap<UserId, u32>,
}

/// A sent message with its current content; `content` is `None` once its sender is erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names of the other fields say what they hold")]
pub struct Posted {
    pub conversation: ConversationId,
    pub sender: UserId,
    pub message_type: MessageType,
    /// The first content, which a repeated `guid` is compared with.
    original: Option<MessageContent>,
    /// The current content.
    pub content: Option<MessageContent>,
    /// The answered message.
    pub reply_to: Option<MessageId>,
    /// The mentioned members.
    pub mentions: Vec<UserId>,
}

impl Message {
    /// The message; `None` for a stream without events.
    #[must_use]
    pub const fn posted(&self) -> Option<&Posted> {
        self.sent.as_ref()
    }

    /// True if it was deleted for everybody.
    #[must_use]
    pub const fn is_deleted(&self) -> bool {
        self.deleted
    }

    /// True if it is pinned in its conversation.
    #[must_use]
    pub const fn is_pinned(&self) -> bool {
        self.pinned
    }

    /// True if `user` hid it.
    #[must_use]
    pub fn is_hidden_for(&self, user: UserId) -> bool {
        self.hidden_for.contains(&user)
    }

    /// The people of each reaction.
    #[must_use]
    pub const fn reactions(&self) -> &BTreeMap<Emoji, BTreeSet<UserId>> {
        &self.reactions
    }

    /// The number of entries about people in its state.
    #[must_use]
    pub fn people(&self) -> usize {
        let reactions: usize = self.reactions.values().map(BTreeSet::len).sum();
        reactions + self.reacted.len() + self.hidden_for.len()
    }

    /// The message; refused if `user` hid it.
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
        says_something(message_type, &content.body, &content.attachments)?;
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
        // The record of a call belongs to the server, although it has a sender.
        if posted.sender != by || posted.message_type == MessageType::Call {
            return Err(MessageError::SenderOnly);
        }
        let Some(content) = &posted.content else { return Err(MessageError::NotFound) };
        says_something(posted.message_type, &body, &content.attachments)?;
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
        // Reactions that look the same are one kind, even if stored before emoji were fully qualified.
        let alike = || self.reactions.iter().filter(|(there, _)| there.is_same(&emoji));
        if alike().any(|(_, users)| users.contains(&user)) {
            return Ok(vec![]);
        }
        let kind = alike().next().map(|(there, _)| there.clone());
        if kind.is_none() && self.reactions.len() >= MAX_REACTIONS {
            return Err(MessageError::TooManyReactions);
        }
        if self.reactions.values().filter(|users| users.contains(&user)).count() >= MAX_OWN_REACTIONS {
            return Err(MessageError::TooManyOwnReactions);
        }
        if self.reacted.get(&user).is_some_and(|times| *times >= MAX_REACTIONS_EACH) {
            return Err(MessageError::TooManyReactionChanges);
        }
        let emoji = Personal::new(user, kind.unwrap_or(emoji));
        Ok(vec![MessageEvent::Reacted { conversation, user, emoji }])
    }

    fn unreact(&self, user: UserId, emoji: &Emoji) -> Result<Vec<MessageEvent>, MessageError> {
        let conversation = self.seen_by(user)?.conversation;
        self.undeleted()?;
        let own = self.reactions.iter().filter(|(there, users)| users.contains(&user) && there.is_same(emoji));
        let taken = own.map(|(there, _)| Personal::new(user, there.clone()));
        Ok(taken.map(|emoji| MessageEvent::Unreacted { conversation, user, emoji }).collect())
    }

    fn pin(&self, by: UserId, pinned: u64) -> Result<Vec<MessageEvent>, MessageError> {
        let conversation = self.seen_by(by)?.conversation;
        self.undeleted()?;
        if self.pinned {
            return Ok(vec![]);
        }
        if pinned >= MAX_PINS {
            return Err(MessageError::TooManyPins);
        }
        Ok(vec![MessageEvent::Pinned { conversation, by }])
    }

    fn unpin(&self, by: UserId) -> Result<Vec<MessageEvent>, MessageError> {
        let conversation = self.seen_by(by)?.conversation;
        Ok(if self.pinned { vec![MessageEvent::Unpinned { conversation, by }] } else { vec![] })
    }
}

/// A text message needs text, another one text or attachments.
fn says_something(kind: MessageType, body: &MessageBody, attachments: &[Attachment]) -> Result<(), MessageError> {
    match is_blank(body.as_str()) {
        true if kind == MessageType::Text => Err(MessageError::NoText),
        true if attachments.is_empty() => Err(MessageError::Empty),
        _ => Ok(()),
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
            MessageCommand::Unreact { user, emoji } => self.unreact(user, &emoji),
            MessageCommand::Pin { by, pinned } => self.pin(by, pinned),
            MessageCommand::Unpin { by } => self.unpin(by),
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
                self.pinned = false;
                self.reactions.clear();
                self.reacted.clear();
            }
            MessageEvent::Hidden { user, .. } => {
                self.hidden_for.insert(user);
            }
            MessageEvent::Pinned { .. } => self.pinned = true,
            MessageEvent::Unpinned { .. } => self.pinned = false,
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
