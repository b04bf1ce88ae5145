//! The expiry of a story.

use crate::{
    CommandError, Commands, Done,
    engine::{Caller, Decided, Facts, UseCase},
};
use domain::{
    EventType, StoryId, Timestamp,
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
    const LEADS_TO: Option<&'static EventType> = Some(EventType::named("story.expired"));

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Story>, CommandError> {
        let before = facts.get::<Story>(self.story).await?;
        let recipients = facts.remaining_recipients(&before.state).await?;
        // The job saw the expiry: a clock that was set back since does not undo it.
        let now = facts.now().max(self.expires_at);
        facts.decide_on(self.story, before, StoryCommand::Expire { recipients, now })
    }
}

impl Commands {
    /// Ends an expired story. The key is made of the story and its expiry, so that a repetition has no effect.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn expire_story(&self, story: StoryId, expires_at: Timestamp) -> Result<Done<Story>, CommandError> {
        let key = format!("expire_stories:{story}:{}", expires_at.millis());
        let ctx = self.system_context(Some(key));
        self.execute(&Caller::reactor(&ctx), &ExpireStory { story, expires_at }).await
    }
}
