//! An erased person's friendship, request or block with another ends. The block of the other stays.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Caller, Decided, Facts, UseCase},
};
use domain::{
    UserId,
    friendship::{Friendship, FriendshipAct, FriendshipCommand, Standing},
    id::PairId,
    user::User,
};
use serde::Serialize;

#[derive(Serialize)]
struct PartErased {
    user: UserId,
    with: UserId,
}

impl UseCase for PartErased {
    type Aggregate = Friendship;
    const NAME: &'static str = "friend.part_erased";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Friendship>, CommandError> {
        let (by, with) = (self.user, self.with);
        let is_erased = facts.get::<User>(by).await?.state.is_erased();
        let pair = PairId::of(by, with);
        let before = facts.get::<Friendship>(pair).await?;
        let act = match before.state.standing() {
            _ if !is_erased => None,
            Standing::Friends => Some(FriendshipAct::Unfriend),
            Standing::Requested(requester) if requester == by => Some(FriendshipAct::Cancel),
            Standing::Requested(_) => Some(FriendshipAct::Reject),
            // A block ends friendship and requests.
            Standing::Strangers => before.state.is_blocked_by(by).then_some(FriendshipAct::Unblock),
        };
        match act {
            Some(act) => {
                let (state, command) = (before.state.clone(), FriendshipCommand { by, with, act, now: facts.now() });
                match facts.decide_on(pair, before, command) {
                    // A block by an erased person that was toggled too often may stay.
                    Err(CommandError::TooOften { .. }) => Ok(Decided { id: pair.0, state }),
                    decided => decided,
                }
            }
            None => Ok(Decided { id: pair.0, state: before.state }),
        }
    }
}

impl Commands {
    /// Ends what an erased person had with another: friendship, request, or their own block. A repetition changes
    /// nothing.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn part_erased(
        &self,
        ctx: &Context,
        user: UserId,
        with: UserId,
    ) -> Result<Done<Friendship>, CommandError> {
        self.execute(&Caller::reactor(ctx), &PartErased { user, with }).await
    }
}
