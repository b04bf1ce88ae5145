//! The time of a story is over.

use crate::{
    CommandError, Commands, Context, Done,
    execute::{Caller, UseCase},
    facts::{Decided, Facts},
};
use domain::{
    StoryId, Tier, Timestamp,
    story::{Story, StoryCommand},
};
use serde::Serialize;

#[derive(Serialize)]
struct ExpireStory {
    story: StoryId,
    expires_at: Timestamp,
}

impl UseCase for ExpireStory {
    type Aggregate = Story;
    const NAME: &'static str = "story.expire";

    fn tier(&self) -> Tier {
        Tier::Medium
    }

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Story>, CommandError> {
        let before = facts.get::<Story>(self.story).await?;
        let told = facts.still_told(&before.state).await?;
        // Whoever looked has seen that it is over: a clock that was set back meanwhile does not make that undone.
        let now = facts.now().max(self.expires_at);
        facts.decide_on(self.story, before, StoryCommand::Expire { told, now })
    }
}

impl Commands {
    /// Ends a story whose time is over. Its key is the story and its end: done twice, it has one effect.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn expire_story(&self, story: StoryId, expires_at: Timestamp) -> Result<Done<Story>, CommandError> {
        let key = format!("expire_stories:{story}:{}", expires_at.millis());
        let ctx = Context { actor: None, key: Some(key), correlation_id: self.new_id(), causation_id: None };
        self.execute(&Caller::reactor(&ctx), &ExpireStory { story, expires_at }).await
    }
}
