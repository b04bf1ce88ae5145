//! The state of a story and the decisions over it. Who may see it is a fact of the pair, checked before.

use super::{StoryChange, StoryCommand, StoryError, StoryEvent};
use crate::{
    Aggregate, AggregateType, CommentId, Personal, Timestamp, UserId, handle_by_deciding,
    text::{Link, StoryText},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How long a story is there, in milliseconds: a day.
pub const LIFETIME_MS: i64 = 24 * 60 * 60 * 1_000;
/// The most friends who are told of a story at once; the others find it.
pub const MAX_TOLD: usize = 5_000;
/// The most people whom a story names as its audience.
pub const MAX_PEOPLE: usize = 1_000;
/// The most comments of a story.
pub const MAX_COMMENTS: usize = 5_000;

/// How often one person can like, comment on or edit a story, what they took back included.
pub const MAX_ACTS_EACH: u32 = 5_000;

/// Text and picture of a story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoryContent {
    /// What it says; it may be empty when a picture speaks for it.
    pub text: StoryText,
    /// A picture or a film.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_url: Option<Link>,
}

impl StoryContent {
    fn says_something(&self) -> Result<(), StoryError> {
        let is_empty = self.text.as_str().trim().is_empty() && self.media_url.is_none();
        if is_empty { Err(StoryError::Empty) } else { Ok(()) }
    }
}

/// Who may see a story, beside its author.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Whoever is a friend when they look.
    Friends,
    /// Those who were told when it was posted.
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

/// What a story is from its beginning on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Whose it is.
    pub author: UserId,
    /// Who may see it.
    pub audience: Audience,
    /// Until when it is there.
    pub expires_at: Timestamp,
}

/// The state of a story.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Story {
    shown: Option<Shown>,
    content: Option<StoryContent>,
    ended: bool,
    told: BTreeSet<UserId>,
    likes: BTreeSet<UserId>,
    views: BTreeSet<UserId>,
    comments: BTreeMap<CommentId, UserId>,
    /// How often each has liked, commented or edited.
    acts: BTreeMap<UserId, u32>,
}

impl Story {
    /// What it is; `None` for a stream without events.
    #[must_use]
    pub const fn shown(&self) -> Option<&Shown> {
        self.shown.as_ref()
    }

    /// Text and picture, unless forgotten.
    #[must_use]
    pub const fn content(&self) -> Option<&StoryContent> {
        self.content.as_ref()
    }

    /// Those who were told when it was posted; nobody once it is over.
    #[must_use]
    pub const fn told(&self) -> &BTreeSet<UserId> {
        &self.told
    }

    /// Whether `user` likes it.
    #[must_use]
    pub fn is_liked_by(&self, user: UserId) -> bool {
        self.likes.contains(&user)
    }

    /// How many like it.
    #[must_use]
    pub fn likes(&self) -> usize {
        self.likes.len()
    }

    /// How many have seen it.
    #[must_use]
    pub fn views(&self) -> usize {
        self.views.len()
    }

    /// How many comments it has.
    #[must_use]
    pub fn comments(&self) -> usize {
        self.comments.len()
    }

    /// Who wrote a comment that is there.
    #[must_use]
    pub fn commenter(&self, comment: CommentId) -> Option<UserId> {
        self.comments.get(&comment).copied()
    }

    /// What it is, while it is there.
    ///
    /// # Errors
    /// [`StoryError::NotFound`] once it was deleted or its time is over.
    pub fn at(&self, now: Timestamp) -> Result<Shown, StoryError> {
        self.shown.filter(|shown| !self.ended && now < shown.expires_at).ok_or(StoryError::NotFound)
    }

    /// How many entries its state keeps of people.
    #[must_use]
    pub fn people(&self) -> usize {
        self.told.len() + self.likes.len() + self.views.len() + self.comments.len() + self.acts.len()
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
        let StoryCommand::Post { author, content, audience, mut told, now } = command else { return Ok(vec![]) };
        if self.shown.is_some() {
            return Err(StoryError::AlreadyPosted);
        }
        content.says_something()?;
        told.retain(|user| *user != author);
        told.sort_unstable();
        told.dedup();
        match audience {
            Audience::Friends if told.len() > MAX_TOLD => return Err(StoryError::TooManyPeople),
            Audience::People if told.is_empty() => return Err(StoryError::NobodyNamed),
            Audience::People if told.len() > MAX_PEOPLE => return Err(StoryError::TooManyPeople),
            Audience::Friends | Audience::People => {}
        }
        let expires_at = Timestamp::from_millis(now.millis().saturating_add(LIFETIME_MS));
        let content = Personal::new(author, content);
        Ok(vec![StoryEvent::Posted { author, content, audience, told, expires_at }])
    }

    fn edit(
        &self,
        by: UserId,
        change: StoryChange,
        told: Vec<UserId>,
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
        Ok(vec![StoryEvent::Edited { author, content: Personal::new(author, content), told }])
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
            StoryCommand::Edit { by, change, told, now } => self.edit(by, change, told, now),
            StoryCommand::Delete { by, told, now } => {
                Ok(vec![StoryEvent::Deleted { author: self.by_author(by, now)?.author, by, told }])
            }
            StoryCommand::Remove { by, told, now } => {
                Ok(vec![StoryEvent::Deleted { author: self.at(now)?.author, by, told }])
            }
            StoryCommand::Expire { told, now } => match self.shown {
                Some(shown) if !self.ended && shown.expires_at <= now => {
                    Ok(vec![StoryEvent::Expired { author: shown.author, told }])
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
            StoryEvent::Posted { author, content, audience, told, expires_at } => {
                self.shown = Some(Shown { author, audience, expires_at });
                self.content = content.get().cloned();
                self.told = told.into_iter().collect();
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
