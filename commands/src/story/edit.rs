//! An author replaces text or picture of a story.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Decided, Facts, UseCase},
};
use domain::{
    EventType, StoryId,
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
    const LEADS_TO: Option<&'static EventType> = Some(EventType::named("story.edited"));

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Story>, CommandError> {
        let by = facts.actor().await?;
        let before = facts.visible_story(by, self.story).await?;
        let shown = before.state.content().and_then(|content| content.media_url.as_ref());
        let media_url = self.change.media_url.as_ref().and_then(Option::as_ref).filter(|url| Some(*url) != shown);
        facts.authorize_media(by, media_url).await?;
        let recipients = facts.remaining_recipients(&before.state).await?;
        let (change, now) = (self.change.clone(), facts.now());
        facts.decide_on(self.story, before, StoryCommand::Edit { by, change, recipients, now })
    }
}

impl Commands {
    /// Replaces text or picture of the actor's story.
    ///
    /// # Errors
    /// [`CommandError`]; `author_only`, `Spam`.
    pub async fn edit_story(
        &self,
        ctx: &Context,
        story: StoryId,
        change: StoryChange,
    ) -> Result<Done<Story>, CommandError> {
        let request = EditStory { story, change };
        if let Some(text) = &request.change.text {
            self.check_text(ctx, &request, text.as_str(), story.0).await?;
        }
        self.act(ctx, &request).await
    }
}
