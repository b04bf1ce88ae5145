//! A viewer comments on a story.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Decided, Facts, UseCase},
};
use domain::{
    EventType, StoryId,
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
    const LEADS_TO: Option<&'static EventType> = Some(EventType::named("story.commented"));

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Story>, CommandError> {
        let user = facts.actor().await?;
        let before = facts.visible_story(user, self.story).await?;
        let (comment, now) = (facts.new_id().into(), facts.now());
        let text = self.text.clone();
        facts.decide_on(self.story, before, StoryCommand::Comment { comment, user, text, now })
    }
}

impl Commands {
    /// Comments on a story. The event at the receipt's position has the comment's id.
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
        self.check_text(ctx, &request, request.text.as_str(), story.0).await?;
        self.act(ctx, &request).await
    }
}
