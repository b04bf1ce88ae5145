//! A moderator removes a reported story, an administrator any story.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Decided, Facts, UseCase, refused},
};
use domain::{
    EventType, StoryId,
    story::{Story, StoryCommand, StoryError},
    user::Role,
};
use serde::Serialize;

#[derive(Serialize)]
struct RemoveStory {
    story: StoryId,
}

impl UseCase for RemoveStory {
    type Aggregate = Story;
    const NAME: &'static str = "story.remove";
    const LEADS_TO: Option<&'static EventType> = Some(EventType::named("story.deleted"));

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Story>, CommandError> {
        let (by, role) = facts.staff(Role::Moderator).await?;
        if role == Role::Moderator && !facts.was_reported("story", self.story.0).await? {
            return Err(refused(StoryError::NotFound));
        }
        facts.require_impartiality(by, "story", self.story.0).await?;
        let before = facts.get::<Story>(self.story).await?;
        let (recipients, now) = (facts.remaining_recipients(&before.state).await?, facts.now());
        facts.decide_on(self.story, before, StoryCommand::Remove { by, recipients, now })
    }
}

impl Commands {
    /// Removes a story, as a moderator or administrator.
    ///
    /// # Errors
    /// [`CommandError`]; `moderator_only`, `own_case` for a story that the actor reported, `not_found` for a moderator
    /// and a story that was never reported.
    pub async fn remove_story(&self, ctx: &Context, story: StoryId) -> Result<Done<Story>, CommandError> {
        self.act(ctx, &RemoveStory { story }).await
    }
}
