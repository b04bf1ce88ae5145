//! Somebody has seen a story, likes it, or does so no longer.

use crate::{
    CommandError, Commands, Context, Done,
    execute::UseCase,
    facts::{Decided, Facts},
};
use domain::{
    StoryId, Tier,
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

    fn tier(&self) -> Tier {
        Tier::Medium
    }

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
    /// Likes a story; liking it again changes nothing.
    ///
    /// # Errors
    /// [`CommandError`]; `not_found` for a story that the actor may not see.
    pub async fn like_story(&self, ctx: &Context, story: StoryId) -> Result<Done<Story>, CommandError> {
        self.act(ctx, &RegardStory { story, act: Act::Like }).await
    }

    /// Takes a like back; without one nothing changes.
    ///
    /// # Errors
    /// [`CommandError`]; `not_found` for a story that the actor may not see.
    pub async fn unlike_story(&self, ctx: &Context, story: StoryId) -> Result<Done<Story>, CommandError> {
        self.act(ctx, &RegardStory { story, act: Act::Unlike }).await
    }

    /// Notes that the actor has seen a story: each once, and not its author.
    ///
    /// # Errors
    /// [`CommandError`]; `not_found` for a story that the actor may not see.
    pub async fn view_story(&self, ctx: &Context, story: StoryId) -> Result<Done<Story>, CommandError> {
        self.act(ctx, &RegardStory { story, act: Act::View }).await
    }
}
