//! What the commands on stories share: who may see one, and who is told of what becomes of it.

use crate::{CommandError, error::refused, facts::Facts, state::Versioned};
use domain::{
    StoryId, UserId,
    friendship::{Friendship, Standing},
    id::PairId,
    story::{Audience, Story, StoryError},
    user::User,
};

/// Whether two people stand so that one may see what the other shows to this audience. Friends have not blocked each
/// other.
pub(crate) fn admits(audience: Audience, pair: &Friendship) -> bool {
    match audience {
        Audience::Friends => pair.standing() == Standing::Friends,
        Audience::People => !pair.is_blocked(),
    }
}

impl Facts<'_> {
    /// The story, if `viewer` may see it now: its author may, and who is a friend or was named, while it and its author are there
    /// and no block stands. To others it does not exist.
    pub(crate) async fn visible_story(
        &mut self,
        viewer: UserId,
        story: StoryId,
    ) -> Result<Versioned<Story>, CommandError> {
        let known = self.get::<Story>(story).await?;
        let shown = known.state.at(self.now()).map_err(refused)?;
        if shown.author == viewer {
            return Ok(known);
        }
        let is_there = self.get::<User>(shown.author).await?.state.may_act().is_ok();
        let pair = self.get::<Friendship>(PairId::of(shown.author, viewer)).await?.state;
        let is_named = shown.audience == Audience::Friends || known.state.told().contains(&viewer);
        if is_there && is_named && admits(shown.audience, &pair) {
            Ok(known)
        } else {
            Err(refused(StoryError::NotFound))
        }
    }

    /// Those who were told of the story when it was posted, and may still see it.
    pub(crate) async fn still_told(&mut self, story: &Story) -> Result<Vec<UserId>, CommandError> {
        let Some(shown) = story.shown() else { return Ok(Vec::new()) };
        self.who_stand(shown.author, story.told().iter().copied(), |pair| admits(shown.audience, pair)).await
    }
}
