//! Two people: requests, friendship and blocks.

use crate::{
    CommandError, Commands, Context, Done,
    circle::is_seen,
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
        let account = facts.get::<User>(with).await?.state;
        let pair = PairId::of(by, with);
        let before = facts.get::<Friendship>(pair).await?;
        // What is between them can be ended when the other is not to be seen. Where nothing is, whoever has blocked one,
        // is hidden, is no more or never was is answered alike, after as much work.
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
    /// Does `act` concerning the user `with`.
    ///
    /// # Errors
    /// [`CommandError`]; `not_found` for a person who is not to be seen (never was, erased, hidden, or has blocked the
    /// actor) and with whom the actor has nothing; `request_rejected`, `TooOften`, `Spam`.
    pub async fn friendship(
        &self,
        ctx: &Context,
        with: UserId,
        act: FriendshipAct,
    ) -> Result<Done<Friendship>, CommandError> {
        let request = Between { with, act };
        if act == FriendshipAct::Request {
            self.hear_first(ctx, &request, &[with]).await?;
        }
        self.act(ctx, &request).await
    }
}
