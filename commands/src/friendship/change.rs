//! Requests, friendship and blocks between two people.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Decided, Facts, UseCase, refused},
    friendship::is_seen,
};
use domain::{
    Tier, UserId,
    friendship::{Friendship, FriendshipAct, FriendshipCommand, FriendshipError},
    id::PairId,
    user::User,
};
use serde::Serialize;

#[derive(Serialize)]
struct ChangeFriendship {
    with: UserId,
    act: FriendshipAct,
}

impl UseCase for ChangeFriendship {
    type Aggregate = Friendship;
    const NAME: &'static str = "friend";

    fn tier(&self) -> Tier {
        self.act.leads_to().tier
    }

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Friendship>, CommandError> {
        let by = facts.actor().await?;
        let Self { with, act } = *self;
        let account = facts.get::<User>(with).await?.state;
        let pair = PairId::of(by, with);
        let before = facts.get::<Friendship>(pair).await?;
        // An existing relation with a hidden person can be ended. Without one, the answer and the effort are the same
        // for a person who blocked the actor, is deactivated, erased or never existed.
        if by != with && !is_seen(&account, &before.state, with) {
            let is_known = match act {
                FriendshipAct::Request | FriendshipAct::Accept => false,
                FriendshipAct::Block => before.state.is_known_to(by) || facts.share_a_conversation(by, with).await?,
                _ => before.state.is_known_to(by),
            };
            if !is_known {
                return Err(refused(FriendshipError::NotFound));
            }
        }
        facts.decide_on(pair, before, FriendshipCommand { by, with, act, now: facts.now() })
    }
}

impl Commands {
    ///
    /// # Errors
    /// [`CommandError`]; `not_found` for a hidden person (unknown, erased, deactivated, or one who blocked the actor)
    /// without a relation to the actor; `request_rejected`, `TooOften`, `Spam`.
    pub async fn friendship(
        &self,
        ctx: &Context,
        with: UserId,
        act: FriendshipAct,
    ) -> Result<Done<Friendship>, CommandError> {
        let request = ChangeFriendship { with, act };
        if act == FriendshipAct::Request {
            self.check_contacts(ctx, &request, &[with]).await?;
        }
        self.act(ctx, &request).await
    }
}
