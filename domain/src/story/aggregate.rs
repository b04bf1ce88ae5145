//! The state of a story and the decisions over it. The caller has checked that the actor may see it.

use super::{StoryChange, StoryCommand, StoryError, StoryEvent};
use crate::{
    Aggregate, AggregateType, CommentId, Personal, Timestamp, UserId, handle_by_deciding,
    text::{Link, StoryText, is_blank},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The lifetime of a story, in milliseconds: a day.
pub const LIFETIME_MS: i64 = 24 * 60 * 60 * 1_000;
/// The most friends who receive the event of a new story; others find it in their feed.
pub const MAX_RECIPIENTS: usize = 5_000;
/// The most named people of a story's audience.
pub const MAX_PEOPLE: usize = 1_000;
/// The most comments of a story.
pub const MAX_COMMENTS: usize = 5_000;

/// The most likes, comments and edits of one person on a story, undone ones included.
pub const MAX_ACTS_EACH: u32 = 5_000;

/// Text and picture of a story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoryContent {
    /// It may be empty beside a picture.
    pub text: StoryText,
    /// A picture or a video.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_url: Option<Link>,
}

impl StoryContent {
    fn says_something(&self) -> Result<(), StoryError> {
        let is_empty = is_blank(self.text.as_str()) && self.media_url.is_none();
        if is_empty { Err(StoryError::Empty) } else { Ok(()) }
    }
}

/// The viewers of a story, besides its author.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// The author's current friends.
    Friends,
    /// The named people.
    People,
}

impl Audience {
    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Friends => "friends",
            Self::People => "people",
        }
    }
}

/// The constant properties of a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names of the other fields say what they hold")]
pub struct Shown {
    pub author: UserId,
    pub audience: Audience,
    /// Its expiry.
    pub expires_at: Timestamp,
}

/// The state of a story.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Story {
    shown: Option<Shown>,
    content: Option<StoryContent>,
    ended: bool,
    recipients: BTreeSet<UserId>,
    likes: BTreeSet<UserId>,
    views: BTreeSet<UserId>,
    comments: BTreeMap<CommentId, UserId>,
    /// The likes, comments and edits of each person, undone ones included.
    acts: BTreeMap<UserId, u32>,
}

impl Story {
    /// The constant properties; `None` for a stream without events.
    #[must_use]
    pub const fn shown(&self) -> Option<&Shown> {
        self.shown.as_ref()
    }

    /// Text and picture; `None` once the author is erased.
    #[must_use]
    pub const fn content(&self) -> Option<&StoryContent> {
        self.content.as_ref()
    }

    /// The recipients of its posting; empty once it ended.
    #[must_use]
    pub const fn recipients(&self) -> &BTreeSet<UserId> {
        &self.recipients
    }

    /// True if `user` likes it.
    #[must_use]
    pub fn is_liked_by(&self, user: UserId) -> bool {
        self.likes.contains(&user)
    }

    /// The number of likes.
    #[must_use]
    pub fn likes(&self) -> usize {
        self.likes.len()
    }

    /// The number of viewers.
    #[must_use]
    pub fn views(&self) -> usize {
        self.views.len()
    }

    /// The number of comments.
    #[must_use]
    pub fn comments(&self) -> usize {
        self.comments.len()
    }

    /// The author of an existing comment.
    #[must_use]
    pub fn commenter(&self, comment: CommentId) -> Option<UserId> {
        self.comments.get(&comment).copied()
    }

    /// The constant properties of an active story.
    ///
    /// # Errors
    /// [`StoryError::NotFound`] once it was deleted or has expired.
    pub fn at(&self, now: Timestamp) -> Result<Shown, StoryError> {
        self.shown.filter(|shown| !self.ended && now < shown.expires_at).ok_or(StoryError::NotFound)
    }

    /// The number of entries about people in its state.
    #[must_use]
    pub fn people(&self) -> usize {
        self.recipients.len() + self.likes.len() + self.views.len() + self.comments.len() + self.acts.len()
    }

    fn may_act_again(&self, user: UserId) -> Result<(), StoryError> {
        let is_over = self.acts.get(&user).is_some_and(|times| *times >= MAX_ACTS_EACH);
        if is_over { Err(StoryError::TooManyActs) } else { Ok(()) }
    }

    fn note_act(&mut self, user: UserId) {
        let times = self.acts.entry(user).or_default();
        *times = times.saturating_add(1);
    }

    fn by_author(&self, by: UserId, now: Timestamp) -> Result<Shown, StoryError> {
        let shown = self.at(now)?;
        if shown.author == by { Ok(shown) } else { Err(StoryError::AuthorOnly) }
    }

    fn post(&self, command: StoryCommand) -> Result<Vec<StoryEvent>, StoryError> {
        let StoryCommand::Post { author, content, audience, mut recipients, now } = command else { return Ok(vec![]) };
        if self.shown.is_some() {
            return Err(StoryError::AlreadyPosted);
        }
        content.says_something()?;
        recipients.retain(|user| *user != author);
        recipients.sort_unstable();
        recipients.dedup();
        match audience {
            Audience::Friends if recipients.len() > MAX_RECIPIENTS => return Err(StoryError::TooManyPeople),
            Audience::People if recipients.is_empty() => return Err(StoryError::NobodyNamed),
            Audience::People if recipients.len() > MAX_PEOPLE => return Err(StoryError::TooManyPeople),
            Audience::Friends | Audience::People => {}
        }
        let expires_at = Timestamp::from_millis(now.millis().saturating_add(LIFETIME_MS));
        let content = Personal::new(author, content);
        Ok(vec![StoryEvent::Posted { author, content, audience, recipients, expires_at }])
    }

    fn edit(
        &self,
        by: UserId,
        change: StoryChange,
        recipients: Vec<UserId>,
        now: Timestamp,
    ) -> Result<Vec<StoryEvent>, StoryError> {
        let author = self.by_author(by, now)?.author;
        let Some(before) = &self.content else { return Err(StoryError::NotFound) };
        let content = StoryContent {
            text: change.text.unwrap_or_else(|| before.text.clone()),
            media_url: change.media_url.unwrap_or_else(|| before.media_url.clone()),
        };
        content.says_something()?;
        if content == *before {
            return Ok(vec![]);
        }
        self.may_act_again(author)?;
        Ok(vec![StoryEvent::Edited { author, content: Personal::new(author, content), recipients }])
    }

    fn delete_comment(&self, comment: CommentId, by: UserId, now: Timestamp) -> Result<Vec<StoryEvent>, StoryError> {
        let author = self.at(now)?.author;
        let user = self.commenter(comment).ok_or(StoryError::CommentNotFound)?;
        if by != user && by != author {
            return Err(StoryError::NotYourComment);
        }
        Ok(vec![StoryEvent::CommentDeleted { author, comment, user, by }])
    }
}

impl Aggregate for Story {
    const AGGREGATE: AggregateType = AggregateType::Story;

    fn decide(&self, command: StoryCommand) -> Result<Vec<StoryEvent>, StoryError> {
        match command {
            command @ StoryCommand::Post { .. } => self.post(command),
            StoryCommand::Edit { by, change, recipients, now } => self.edit(by, change, recipients, now),
            StoryCommand::Delete { by, recipients, now } => {
                Ok(vec![StoryEvent::Deleted { author: self.by_author(by, now)?.author, by, recipients }])
            }
            StoryCommand::Remove { by, recipients, now } => {
                Ok(vec![StoryEvent::Deleted { author: self.at(now)?.author, by, recipients }])
            }
            StoryCommand::Expire { recipients, now } => match self.shown {
                Some(shown) if !self.ended && shown.expires_at <= now => {
                    Ok(vec![StoryEvent::Expired { author: shown.author, recipients }])
                }
                _ => Ok(vec![]),
            },
            StoryCommand::Like { user, now } => {
                let author = self.at(now)?.author;
                if self.likes.contains(&user) {
                    return Ok(vec![]);
                }
                self.may_act_again(user)?;
                Ok(vec![StoryEvent::Liked { author, user }])
            }
            StoryCommand::Unlike { user, now } => {
                let author = self.at(now)?.author;
                if self.likes.contains(&user) { Ok(vec![StoryEvent::Unliked { author, user }]) } else { Ok(vec![]) }
            }
            StoryCommand::View { user, now } => {
                let author = self.at(now)?.author;
                let is_new = user != author && !self.views.contains(&user);
                if is_new { Ok(vec![StoryEvent::Viewed { author, user }]) } else { Ok(vec![]) }
            }
            StoryCommand::Comment { comment, user, text, now } => {
                let author = self.at(now)?.author;
                if self.comments.len() >= MAX_COMMENTS {
                    return Err(StoryError::TooManyComments);
                }
                self.may_act_again(user)?;
                Ok(vec![StoryEvent::Commented { author, comment, user, text: Personal::new(user, text) }])
            }
            StoryCommand::DeleteComment { comment, by, now } => self.delete_comment(comment, by, now),
        }
    }
}

impl cqrs_es::Aggregate for Story {
    const TYPE: &'static str = AggregateType::Story.as_str();
    type Command = StoryCommand;
    type Event = StoryEvent;
    type Error = StoryError;
    type Services = ();

    handle_by_deciding!();

    fn apply(&mut self, event: StoryEvent) {
        match event {
            StoryEvent::Posted { author, content, audience, recipients, expires_at } => {
                self.shown = Some(Shown { author, audience, expires_at });
                self.content = content.get().cloned();
                self.recipients = recipients.into_iter().collect();
            }
            StoryEvent::Edited { author, content, .. } => {
                self.content = content.get().cloned();
                self.note_act(author);
            }
            StoryEvent::Deleted { .. } | StoryEvent::Expired { .. } => {
                *self = Self { shown: self.shown, ended: true, ..Self::default() };
            }
            StoryEvent::Liked { user, .. } => {
                self.note_act(user);
                self.likes.insert(user);
            }
            StoryEvent::Unliked { user, .. } => {
                self.likes.remove(&user);
            }
            StoryEvent::Viewed { user, .. } => {
                self.views.insert(user);
            }
            StoryEvent::Commented { comment, user, .. } => {
                self.note_act(user);
                self.comments.insert(comment, user);
            }
            StoryEvent::CommentDeleted { comment, .. } => {
                self.comments.remove(&comment);
            }
        }
    }
}
