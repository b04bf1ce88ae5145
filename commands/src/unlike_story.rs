//! Somebody likes a story no longer.

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
struct UnlikeStory {
    story: StoryId,
}

impl UseCase for UnlikeStory {
    type Aggregate = Story;
    const NAME: &'static str = "story.unlike";

    fn tier(&self) -> Tier {
        Tier::Medium
    }

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Story>, CommandError> {
        let user = facts.actor().await?;
        let before = facts.visible_story(user, self.story).await?;
        let now = facts.now();
        facts.decide_on(self.story, before, StoryCommand::Unlike { user, now })
    }
}

impl Commands {
    /// Takes a like back; without one nothing changes.
    ///
    /// # Errors
    /// [`CommandError`]; `not_found` for a story that the actor may not see.
    pub async fn unlike_story(&self, ctx: &Context, story: StoryId) -> Result<Done<Story>, CommandError> {
        self.act(ctx, &UnlikeStory { story }).await
    }
}
