//! An author takes a story away.

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
struct DeleteStory {
    story: StoryId,
}

impl UseCase for DeleteStory {
    type Aggregate = Story;
    const NAME: &'static str = "story.delete";

    fn tier(&self) -> Tier {
        Tier::Medium
    }

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Story>, CommandError> {
        let by = facts.actor().await?;
        let before = facts.visible_story(by, self.story).await?;
        let (told, now) = (facts.still_told(&before.state).await?, facts.now());
        facts.decide_on(self.story, before, StoryCommand::Delete { by, told, now })
    }
}

impl Commands {
    /// Takes one's own story away.
    ///
    /// # Errors
    /// [`CommandError`]; `author_only`.
    pub async fn delete_story(&self, ctx: &Context, story: StoryId) -> Result<Done<Story>, CommandError> {
        self.act(ctx, &DeleteStory { story }).await
    }
}
