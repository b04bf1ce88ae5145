//! What the system does after somebody changed, hid or erased their account: ordinary steps, each of which changes
//! nothing when it was done before.

use crate::{
    CommandError, Commands, Context, Done,
    execute::{Caller, UseCase},
    facts::{Decided, Facts},
};
use domain::{
    ConversationId, SessionId, UserId,
    conversation::{Conversation, ConversationCommand, ConversationType},
    friendship::{Friendship, FriendshipAct, FriendshipCommand, Standing},
    id::PairId,
    session::EndReason,
    user::User,
};
use event_store::Position;
use serde::Serialize;
use std::collections::BTreeSet;

/// The end of the sessions that began while others were ended: with a password that is no more, say.
#[derive(Serialize)]
struct EndStrays {
    user: UserId,
    kept: Option<SessionId>,
    until: Position,
    reason: EndReason,
}

impl UseCase for EndStrays {
    type Aggregate = User;
    const NAME: &'static str = "session.end_strays";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<User>, CommandError> {
        facts.end_sessions(self.user, self.kept, self.until, self.reason).await?;
        Ok(Decided { id: self.user.0, state: facts.peek::<User>(self.user).await?.state })
    }
}

/// Somebody who was erased is no longer in a group.
#[derive(Serialize)]
struct LeaveErased {
    user: UserId,
    conversation: ConversationId,
}

impl UseCase for LeaveErased {
    type Aggregate = Conversation;
    const NAME: &'static str = "conversation.leave_erased";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Conversation>, CommandError> {
        let Self { user, conversation } = *self;
        let is_erased = facts.get::<User>(user).await?.state.is_erased();
        let before = facts.get::<Conversation>(conversation).await?;
        let is_group = before.state.conversation_type() == ConversationType::Group;
        if is_erased && is_group && before.state.is_live() && before.state.member(user).is_some() {
            let idle = match before.state.is_lead(user) {
                true => facts.idle(&before.state, Some(user)).await?,
                false => BTreeSet::new(),
            };
            return facts.decide_on(conversation, before, ConversationCommand::Leave { user, idle });
        }
        Ok(Decided { id: conversation.0, state: before.state })
    }
}

/// There is nothing any more between somebody who was erased and another, but what the other did.
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
            // Whoever blocks somebody has nothing else with them.
            Standing::Strangers => before.state.is_blocked_by(by).then_some(FriendshipAct::Unblock),
        };
        match act {
            Some(act) => {
                let (state, command) = (before.state.clone(), FriendshipCommand { by, with, act, now: facts.now() });
                match facts.decide_on(pair, before, command) {
                    // A block of somebody who is no more, toggled too often before, may stay.
                    Err(CommandError::TooOften { .. }) => Ok(Decided { id: pair.0, state }),
                    decided => decided,
                }
            }
            None => Ok(Decided { id: pair.0, state: before.state }),
        }
    }
}

impl Commands {
    /// Ends the sessions of `user` that began before `until`, save `kept`, a portion at a time.
    pub(crate) async fn end_strays(
        &self,
        ctx: &Context,
        user: UserId,
        kept: Option<SessionId>,
        until: Position,
        reason: EndReason,
    ) -> Result<(), CommandError> {
        // One more than the one that may be kept.
        while self
            .store()
            .live_sessions(user.0, until, 0, 2)
            .await?
            .into_iter()
            .any(|live| kept != Some(SessionId(live)))
        {
            let strays = EndStrays { user, kept, until, reason };
            // What is over is not ended again, whatever the key.
            let done = self.execute(&Caller::reactor(ctx).without_key(), &strays).await?;
            if done.receipt.position.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Takes somebody who was erased out of a group; the last lead hands over. A direct conversation stays.
    pub(crate) async fn leave_erased(
        &self,
        ctx: &Context,
        user: UserId,
        conversation: ConversationId,
    ) -> Result<Done<Conversation>, CommandError> {
        self.execute(&Caller::reactor(ctx), &LeaveErased { user, conversation }).await
    }

    /// Ends what somebody who was erased had with another: friendship, request, or their own block.
    pub(crate) async fn part_erased(
        &self,
        ctx: &Context,
        user: UserId,
        with: UserId,
    ) -> Result<Done<Friendship>, CommandError> {
        self.execute(&Caller::reactor(ctx), &PartErased { user, with }).await
    }
}
