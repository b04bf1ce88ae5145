//! The viewers of a story, and the recipients of its events.

use crate::{
    CommandError,
    engine::{Facts, Versioned, refused},
};
use domain::{
    StoryId, UserId,
    friendship::{Friendship, Standing},
    id::PairId,
    story::{Audience, Story, StoryError},
    user::User,
};

/// True if the friendship of author and viewer admits this audience. A block ends friendship.
pub(crate) fn admits(audience: Audience, pair: &Friendship) -> bool {
    match audience {
        Audience::Friends => pair.standing() == Standing::Friends,
        Audience::People => !pair.is_blocked(),
    }
}

impl Facts<'_> {
    /// The story; not found unless `viewer` is its author, or is a friend or named while story and author are active
    /// and no block exists.
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
        let is_named = shown.audience == Audience::Friends || known.state.recipients().contains(&viewer);
        if is_there && is_named && admits(shown.audience, &pair) {
            Ok(known)
        } else {
            Err(refused(StoryError::NotFound))
        }
    }

    /// The recipients of the story's posting who may still see it.
    pub(crate) async fn remaining_recipients(&mut self, story: &Story) -> Result<Vec<UserId>, CommandError> {
        let Some(shown) = story.shown() else { return Ok(Vec::new()) };
        self.filter_by_friendship(shown.author, story.recipients().iter().copied(), |pair| admits(shown.audience, pair))
            .await
    }
}
