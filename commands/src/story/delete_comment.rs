//! The author of a comment or of its story deletes the comment.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Decided, Facts, UseCase},
};
use domain::{
    CommentId, EventType, StoryId,
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
    const LEADS_TO: Option<&'static EventType> = Some(EventType::named("story.comment_deleted"));

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Story>, CommandError> {
        let by = facts.actor().await?;
        let mut before = facts.get::<Story>(self.story).await?;
        // The author of a comment may delete it without seeing the story any more.
        if before.state.commenter(self.comment) != Some(by) {
            before = facts.visible_story(by, self.story).await?;
        }
        let now = facts.now();
        facts.decide_on(self.story, before, StoryCommand::DeleteComment { comment: self.comment, by, now })
    }
}

impl Commands {
    /// Deletes the actor's comment, or a comment on the actor's story. The story's id comes from a read model; its
    /// state decides.
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
