//! An author deletes a story.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Decided, Facts, UseCase},
};
use domain::{
    EventType, StoryId,
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
    const LEADS_TO: Option<&'static EventType> = Some(EventType::named("story.deleted"));

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Story>, CommandError> {
        let by = facts.actor().await?;
        let before = facts.visible_story(by, self.story).await?;
        let (recipients, now) = (facts.remaining_recipients(&before.state).await?, facts.now());
        facts.decide_on(self.story, before, StoryCommand::Delete { by, recipients, now })
    }
}

impl Commands {
    /// Deletes the actor's story.
    ///
    /// # Errors
    /// [`CommandError`]; `author_only`.
    pub async fn delete_story(&self, ctx: &Context, story: StoryId) -> Result<Done<Story>, CommandError> {
        self.act(ctx, &DeleteStory { story }).await
    }
}
