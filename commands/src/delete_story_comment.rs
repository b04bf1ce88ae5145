//! Somebody takes a comment of theirs, or one on their story, away.

use crate::{
    CommandError, Commands, Context, Done,
    execute::UseCase,
    facts::{Decided, Facts},
};
use domain::{
    CommentId, StoryId, Tier,
    story::{Story, StoryCommand},
};
use serde::Serialize;

#[derive(Serialize)]
struct DeleteStoryComment {
    story: StoryId,
    comment: CommentId,
}

impl UseCase for DeleteStoryComment {
    type Aggregate = Story;
    const NAME: &'static str = "story.delete_comment";

    fn tier(&self) -> Tier {
        Tier::Medium
    }

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Story>, CommandError> {
        let by = facts.actor().await?;
        let mut before = facts.get::<Story>(self.story).await?;
        // What somebody wrote is theirs to take away, even where they may no longer look.
        if before.state.commenter(self.comment) != Some(by) {
            before = facts.visible_story(by, self.story).await?;
        }
        let now = facts.now();
        facts.decide_on(self.story, before, StoryCommand::DeleteComment { comment: self.comment, by, now })
    }
}

impl Commands {
    /// Takes away one's own comment, or a comment on one's own story. Which story it is on is what the read models
    /// say; the story decides.
    ///
    /// # Errors
    /// [`CommandError`]; `not_found`, `not_your_comment`.
    pub async fn delete_story_comment(
        &self,
        ctx: &Context,
        story: StoryId,
        comment: CommentId,
    ) -> Result<Done<Story>, CommandError> {
        self.act(ctx, &DeleteStoryComment { story, comment }).await
    }
}
