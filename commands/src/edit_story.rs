//! An author replaces text or picture of a story.

use crate::{
    CommandError, Commands, Context, Done,
    execute::UseCase,
    facts::{Decided, Facts},
};
use domain::{
    StoryId, Tier,
    story::{Story, StoryChange, StoryCommand},
};
use serde::Serialize;

#[derive(Serialize)]
struct EditStory {
    story: StoryId,
    change: StoryChange,
}

impl UseCase for EditStory {
    type Aggregate = Story;
    const NAME: &'static str = "story.edit";

    fn tier(&self) -> Tier {
        Tier::Medium
    }

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Story>, CommandError> {
        let by = facts.actor().await?;
        let before = facts.visible_story(by, self.story).await?;
        facts.may_picture(by, self.change.media_url.as_ref().and_then(Option::as_ref)).await?;
        let told = facts.still_told(&before.state).await?;
        let (change, now) = (self.change.clone(), facts.now());
        facts.decide_on(self.story, before, StoryCommand::Edit { by, change, told, now })
    }
}

impl Commands {
    /// Replaces text or picture of one's own story.
    ///
    /// # Errors
    /// [`CommandError`]; `author_only`.
    pub async fn edit_story(
        &self,
        ctx: &Context,
        story: StoryId,
        change: StoryChange,
    ) -> Result<Done<Story>, CommandError> {
        let request = EditStory { story, change };
        if let Some(text) = &request.change.text {
            self.hear(ctx, &request, text.as_str(), story.0).await?;
        }
        self.act(ctx, &request).await
    }
}
