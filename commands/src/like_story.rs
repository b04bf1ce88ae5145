//! Somebody likes a story.

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

#[derive(Serialize)]
struct LikeStory {
    story: StoryId,
}

impl UseCase for LikeStory {
    type Aggregate = Story;
    const NAME: &'static str = "story.like";

    fn tier(&self) -> Tier {
        Tier::Medium
    }

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Story>, CommandError> {
        let user = facts.actor().await?;
        let before = facts.visible_story(user, self.story).await?;
        let now = facts.now();
        facts.decide_on(self.story, before, StoryCommand::Like { user, now })
    }
}

impl Commands {
    /// Likes a story; liking it again changes nothing.
    ///
    /// # Errors
    /// [`CommandError`]; `not_found` for a story that the actor may not see.
    pub async fn like_story(&self, ctx: &Context, story: StoryId) -> Result<Done<Story>, CommandError> {
        self.act(ctx, &LikeStory { story }).await
    }
}
