//! Somebody comments on a story.

use crate::{
    CommandError, Commands, Context, Done,
    execute::UseCase,
    facts::{Decided, Facts},
};
use domain::{
    StoryId, Tier,
    story::{Story, StoryCommand},
    text::CommentText,
};
use serde::Serialize;

#[derive(Serialize)]
struct CommentOnStory {
    story: StoryId,
    text: CommentText,
}

impl UseCase for CommentOnStory {
    type Aggregate = Story;
    const NAME: &'static str = "story.comment";

    fn tier(&self) -> Tier {
        Tier::Medium
    }

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Story>, CommandError> {
        let user = facts.actor().await?;
        let before = facts.visible_story(user, self.story).await?;
        let (comment, now) = (facts.new_id().into(), facts.now());
        let text = self.text.clone();
        facts.decide_on(self.story, before, StoryCommand::Comment { comment, user, text, now })
    }
}

impl Commands {
    /// Comments on a story. The comment is what the event at the receipt's position says.
    ///
    /// # Errors
    /// [`CommandError`]; `too_many_comments`.
    pub async fn comment_on_story(
        &self,
        ctx: &Context,
        story: StoryId,
        text: CommentText,
    ) -> Result<Done<Story>, CommandError> {
        let request = CommentOnStory { story, text };
        self.hear(ctx, &request, request.text.as_str(), story.0).await?;
        self.act(ctx, &request).await
    }
}
