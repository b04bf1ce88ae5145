//! A viewer views, likes or unlikes a story.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Decided, Facts, UseCase},
};
use domain::{
    EventType, StoryId,
    story::{Story, StoryCommand},
};
use serde::Serialize;

#[derive(Clone, Copy, Serialize)]
enum Act {
    Like,
    Unlike,
    View,
}

#[derive(Serialize)]
struct RegardStory {
    story: StoryId,
    act: Act,
}

impl UseCase for RegardStory {
    type Aggregate = Story;
    const NAME: &'static str = "story.regard";
    const LEADS_TO: Option<&'static EventType> = Some(EventType::named("story.viewed"));

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Story>, CommandError> {
        let user = facts.actor().await?;
        let before = facts.visible_story(user, self.story).await?;
        let now = facts.now();
        let command = match self.act {
            Act::Like => StoryCommand::Like { user, now },
            Act::Unlike => StoryCommand::Unlike { user, now },
            Act::View => StoryCommand::View { user, now },
        };
        facts.decide_on(self.story, before, command)
    }
}

impl Commands {
    /// Likes a story; a repetition changes nothing.
    ///
    /// # Errors
    /// [`CommandError`]; `not_found` for an invisible story.
    pub async fn like_story(&self, ctx: &Context, story: StoryId) -> Result<Done<Story>, CommandError> {
        self.act(ctx, &RegardStory { story, act: Act::Like }).await
    }

    /// Removes a like; without one nothing changes.
    ///
    /// # Errors
    /// [`CommandError`]; `not_found` for an invisible story.
    pub async fn unlike_story(&self, ctx: &Context, story: StoryId) -> Result<Done<Story>, CommandError> {
        self.act(ctx, &RegardStory { story, act: Act::Unlike }).await
    }

    /// Records a view: once per viewer, and not of the author.
    ///
    /// # Errors
    /// [`CommandError`]; `not_found` for an invisible story.
    pub async fn view_story(&self, ctx: &Context, story: StoryId) -> Result<Done<Story>, CommandError> {
        self.act(ctx, &RegardStory { story, act: Act::View }).await
    }
}
