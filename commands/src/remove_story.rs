//! A moderator removes a story that was reported, an administrator any.

use crate::{
    CommandError, Commands, Context, Done,
    error::refused,
    execute::UseCase,
    facts::{Decided, Facts},
};
use domain::{
    StoryId, Tier,
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

    fn tier(&self) -> Tier {
        Tier::Medium
    }

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Story>, CommandError> {
        let (by, role) = facts.staff(Role::Moderator).await?;
        if role == Role::Moderator && !facts.was_reported("story", self.story.0).await? {
            return Err(refused(StoryError::NotFound));
        }
        facts.is_no_party(by, "story", self.story.0).await?;
        let before = facts.get::<Story>(self.story).await?;
        let (told, now) = (facts.still_told(&before.state).await?, facts.now());
        facts.decide_on(self.story, before, StoryCommand::Remove { by, told, now })
    }
}

impl Commands {
    /// Takes a story away, as somebody who watches over the server.
    ///
    /// # Errors
    /// [`CommandError`]; `moderator_only`, `own_case` for what they reported themselves, and `not_found` to a moderator for what nobody reported.
    pub async fn remove_story(&self, ctx: &Context, story: StoryId) -> Result<Done<Story>, CommandError> {
        self.act(ctx, &RemoveStory { story }).await
    }
}
