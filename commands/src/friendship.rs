//! Two people: requests, friendship and blocks.

use crate::{
    CommandError, Commands, Context, Done,
    error::refused,
    execute::UseCase,
    facts::{Decided, Facts},
};
use domain::{
    Tier, UserId,
    friendship::{Friendship, FriendshipAct, FriendshipCommand, FriendshipError},
    id::PairId,
    user::User,
};
use serde::Serialize;

#[derive(Serialize)]
struct Between {
    with: UserId,
    act: FriendshipAct,
}

impl UseCase for Between {
    type Aggregate = Friendship;
    const NAME: &'static str = "friend";

    fn tier(&self) -> Tier {
        match self.act {
            FriendshipAct::Request | FriendshipAct::Reject | FriendshipAct::Cancel => Tier::Medium,
            FriendshipAct::Accept | FriendshipAct::Block | FriendshipAct::Unblock | FriendshipAct::Unfriend => {
                Tier::High
            }
        }
    }

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Friendship>, CommandError> {
        let by = facts.actor().await?;
        let Self { with, act } = *self;
        let is_there = match act {
            FriendshipAct::Request | FriendshipAct::Accept => facts.get::<User>(with).await?.state.is_reachable(),
            // What is between them can be ended when the other is hidden, or no more.
            _ => facts.peek::<User>(with).await?.version > 0,
        };
        if !is_there {
            return Err(refused(FriendshipError::NotFound));
        }
        facts.decide(PairId::of(by, with), FriendshipCommand { by, with, act }).await
    }
}

impl Commands {
    /// Does `act` concerning the user `with`.
    ///
    /// # Errors
    /// [`CommandError`]; `not_found` for a person who does not exist or, for a request, has blocked the actor.
    pub async fn friendship(
        &self,
        ctx: &Context,
        with: UserId,
        act: FriendshipAct,
    ) -> Result<Done<Friendship>, CommandError> {
        self.act(ctx, &Between { with, act }).await
    }
}
