//! Somebody has seen a story.

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
struct ViewStory {
    story: StoryId,
}

impl UseCase for ViewStory {
    type Aggregate = Story;
    const NAME: &'static str = "story.view";

    fn tier(&self) -> Tier {
        Tier::Medium
    }

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Story>, CommandError> {
        let user = facts.actor().await?;
        let before = facts.visible_story(user, self.story).await?;
        let now = facts.now();
        facts.decide_on(self.story, before, StoryCommand::View { user, now })
    }
}

impl Commands {
    /// Notes that the actor has seen a story: each once, and not its author.
    ///
    /// # Errors
    /// [`CommandError`]; `not_found` for a story that the actor may not see.
    pub async fn view_story(&self, ctx: &Context, story: StoryId) -> Result<Done<Story>, CommandError> {
        self.act(ctx, &ViewStory { story }).await
    }
}
