//! Somebody shows a story for a day.

use crate::{
    CommandError, Commands, Context, Done,
    error::refused,
    execute::UseCase,
    facts::{Decided, Facts},
    story::admits,
};
use domain::{
    Tier, UserId,
    story::{Audience, MAX_PEOPLE, MAX_TOLD, Story, StoryCommand, StoryContent, StoryError},
};
use serde::Serialize;
use uuid::Uuid;

/// A story as its author wants it.
#[derive(Clone, Debug, Serialize)]
pub struct PostStory {
    /// Text and picture.
    pub content: StoryContent,
    /// Whom it is for.
    pub show_to: ShowTo,
    /// Friends of the author, the newest first: those who are told, when it is for friends. Each is checked.
    #[serde(skip)]
    pub friends: Vec<UserId>,
}

/// Whom a story is for.
#[derive(Clone, Debug, Serialize)]
pub enum ShowTo {
    /// The friends of its author.
    Friends,
    /// These.
    People(Vec<UserId>),
}

impl UseCase for PostStory {
    type Aggregate = Story;
    const NAME: &'static str = "story.post";

    fn tier(&self) -> Tier {
        Tier::Medium
    }

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Story>, CommandError> {
        let author = facts.actor().await?;
        let (audience, told) = match &self.show_to {
            ShowTo::Friends => {
                let newest = self.friends.iter().copied().take(MAX_TOLD);
                let friends = facts.who_stand(author, newest, |pair| admits(Audience::Friends, pair)).await?;
                (Audience::Friends, friends)
            }
            ShowTo::People(people) => {
                let people: Vec<_> = people.iter().copied().filter(|user| *user != author).collect();
                if people.len() > MAX_PEOPLE {
                    return Err(refused(StoryError::TooManyPeople));
                }
                facts.may_approach(author, &people).await?;
                facts.are_acquainted(author, &people).await?;
                (Audience::People, people)
            }
        };
        facts.may_picture(author, self.content.media_url.as_ref()).await?;
        let id = facts.new_id();
        let before = facts.presume_new::<Story>(id).await?;
        let (content, now) = (self.content.clone(), facts.now());
        facts.decide_on(id, before, StoryCommand::Post { author, content, audience, told, now })
    }
}

impl Commands {
    /// Shows a story for a day, to the friends of its author or to some people.
    ///
    /// # Errors
    /// [`CommandError`]; `not_found` or `blocked_by_you` for somebody named who does not exist or with whom a block
    /// stands, `not_reachable` for one who is no friend and shares no conversation with the author; `Spam`.
    pub async fn post_story(&self, ctx: &Context, request: PostStory) -> Result<Done<Story>, CommandError> {
        let author = ctx.actor.map_or(Uuid::nil(), |actor| actor.user.0);
        self.hear(ctx, &request, request.content.text.as_str(), author).await?;
        self.act(ctx, &request).await
    }
}
