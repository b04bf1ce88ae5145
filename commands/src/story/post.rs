//! A person posts a story for a day.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Decided, Facts, UseCase, refused},
    story::admits,
};
use domain::{
    EventType, UserId,
    story::{Audience, MAX_PEOPLE, MAX_RECIPIENTS, Story, StoryCommand, StoryContent, StoryError},
};
use serde::Serialize;
use uuid::Uuid;

#[derive(Clone, Debug, Serialize)]
pub struct PostStory {
    pub content: StoryContent,
    pub show_to: ShowTo,
    /// For an audience of friends: the recipients, the latest friends first. Each friendship is checked.
    #[serde(skip)]
    pub friends: Vec<UserId>,
}

/// The audience of a story.
#[derive(Clone, Debug, Serialize)]
pub enum ShowTo {
    Friends,
    People(Vec<UserId>),
}

impl UseCase for PostStory {
    type Aggregate = Story;
    const NAME: &'static str = "story.post";
    const LEADS_TO: Option<&'static EventType> = Some(EventType::named("story.posted"));

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Story>, CommandError> {
        let author = facts.actor().await?;
        let (audience, recipients) = match &self.show_to {
            ShowTo::Friends => {
                let newest = self.friends.iter().copied().take(MAX_RECIPIENTS);
                let friends =
                    facts.filter_by_friendship(author, newest, |pair| admits(Audience::Friends, pair)).await?;
                (Audience::Friends, friends)
            }
            ShowTo::People(people) => {
                let people: Vec<_> = people.iter().copied().filter(|user| *user != author).collect();
                if people.len() > MAX_PEOPLE {
                    return Err(refused(StoryError::TooManyPeople));
                }
                facts.may_approach(author, &people).await?;
                facts.require_acquaintance(author, &people).await?;
                (Audience::People, people)
            }
        };
        facts.authorize_media(author, self.content.media_url.as_ref()).await?;
        let id = facts.new_id();
        let before = facts.presume_new::<Story>(id).await?;
        let (content, now) = (self.content.clone(), facts.now());
        facts.decide_on(id, before, StoryCommand::Post { author, content, audience, recipients, now })
    }
}

impl Commands {
    /// Posts a story for a day, to friends or to named people.
    ///
    /// # Errors
    /// [`CommandError`]; for a named person `not_found` or `blocked_by_you` (unknown, or a block), `not_reachable` (no
    /// friend, and no shared conversation); `Spam`.
    pub async fn post_story(&self, ctx: &Context, request: PostStory) -> Result<Done<Story>, CommandError> {
        let author = ctx.actor.map_or(Uuid::nil(), |actor| actor.user.0);
        self.check_text(ctx, &request, request.content.text.as_str(), author).await?;
        self.act(ctx, &request).await
    }
}
