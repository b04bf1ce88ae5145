//! Authorization in a conversation, by states that the append guards.

use crate::{
    CommandError,
    engine::{Facts, Versioned, refused},
};
use domain::{
    ConversationId, RefusalKind, UserId,
    conversation::{Conversation, MemberStatus},
    friendship::{Friendship, FriendshipError},
    id::PairId,
    user::{User, Way},
};
use std::collections::BTreeSet;
use uuid::Uuid;

/// The most pairs of leads and waiting people that the end of a group examines.
const MAX_PAIRS: usize = 1_000;

impl Facts<'_> {
    /// The conversation; refused unless `user` takes part in it.
    pub(crate) async fn conversation_of(
        &mut self,
        user: UserId,
        conversation: ConversationId,
    ) -> Result<Versioned<Conversation>, CommandError> {
        let known = self.get::<Conversation>(conversation).await?;
        known.state.may_take_part(user).map_err(refused)?;
        Ok(known)
    }

    /// Refuses writing where a block stands in a direct conversation. A person blocked by the other gets the answer for
    /// anybody who cannot be reached: blocked by an administrator, or erased.
    pub(crate) async fn may_write(&mut self, by: UserId, conversation: &Conversation) -> Result<(), CommandError> {
        let Some(other) = conversation.other(by) else { return Ok(()) };
        let pair = self.get::<Friendship>(PairId::of(by, other)).await?;
        let verdict = pair.state.may_approach(by, other);
        let account = self.get::<User>(other).await?.state;
        let is_reachable = account.exists() && account.may_act().is_ok();
        if verdict == Err(FriendshipError::NotFound) || (verdict.is_ok() && !is_reachable) {
            return Err(cannot_message());
        }
        verdict.map_err(refused)
    }

    /// Refuses when the other member of a direct conversation does not let `by` reach them this way. Call
    /// [`may_write`](Self::may_write) first.
    pub(crate) async fn may_reach(
        &mut self,
        by: UserId,
        conversation: &Conversation,
        way: Way,
    ) -> Result<(), CommandError> {
        // The system records consequences, such as the end of a call.
        let Some(other) = conversation.other(by).filter(|_| self.session().is_some()) else { return Ok(()) };
        match self.unreachable(by, &[other], way).await?.is_empty() {
            true => Ok(()),
            false => Err(not_reachable()),
        }
    }

    /// True if one of the two members of a direct conversation has blocked the other.
    pub(crate) async fn is_blocked_either_way(
        &mut self,
        user: UserId,
        conversation: &Conversation,
    ) -> Result<bool, CommandError> {
        let Some(other) = conversation.other(user) else { return Ok(false) };
        let pair = self.get::<Friendship>(PairId::of(user, other)).await?.state;
        Ok(pair.is_blocked_by(user) || pair.is_blocked_by(other))
    }

    /// True with a block, either way, between `user` and one of `leads`. It hides the group from all but its members.
    pub(crate) async fn has_block_with(&mut self, user: UserId, leads: &[UserId]) -> Result<bool, CommandError> {
        Ok(self.pairs_of(user, leads).await?.iter().any(|(_, pair)| pair.is_blocked()))
    }

    /// True for one who asked to join or is invited, and from whom a block with a lead hides the group: the request or
    /// invitation is as if it were not.
    pub(crate) async fn is_hidden_from_waiting(
        &mut self,
        group: &Conversation,
        user: UserId,
    ) -> Result<bool, CommandError> {
        if group.member(user).is_none_or(|member| member.status == MemberStatus::Active) {
            return Ok(false);
        }
        let leads: Vec<_> = group.leads().collect();
        self.has_block_with(user, &leads).await
    }

    /// All from whom a block hides the group in which they wait. Beyond [`MAX_PAIRS`] it is everybody who waits.
    pub(crate) async fn hidden_waiting(&mut self, group: &Conversation) -> Result<BTreeSet<UserId>, CommandError> {
        let (leads, waiting): (Vec<_>, Vec<_>) = (group.leads().collect(), group.waiting().collect());
        if leads.len() * waiting.len() > MAX_PAIRS {
            return Ok(waiting.into_iter().collect());
        }
        let pairs = waiting.iter().flat_map(|user| leads.iter().map(|lead| (PairId::of(*user, *lead).0, *user)));
        let pairs: Vec<_> = pairs.collect();
        let ids: Vec<_> = pairs.iter().map(|(pair, _)| *pair).collect();
        let states = self.get_many::<Friendship>(&ids).await?;
        let is_blocked = |pair: &Uuid| states.get(pair).is_some_and(|known| known.state.is_blocked());
        Ok(pairs.into_iter().filter(|(pair, _)| is_blocked(pair)).map(|(_, user)| user).collect())
    }

    /// The last `seq` of a conversation, or any reached one not below `seq`.
    pub(crate) async fn head_for(&self, conversation: ConversationId, seq: u64) -> Result<u64, CommandError> {
        let states = self.commands().states();
        let known = states.head(conversation.0);
        if seq <= known {
            return Ok(known);
        }
        let head = self.store().scope_seq(conversation.0).await?;
        states.learn_head(conversation.0, head);
        Ok(head)
    }
}

/// The person can be reached by friends only.
pub(crate) fn not_reachable() -> CommandError {
    CommandError::Refused {
        kind: RefusalKind::Forbidden,
        code: "not_reachable",
        detail: "only friends can reach this user".to_owned(),
        field: None,
        about: None,
    }
}

/// The same answer for a person who blocked the actor and for one who is gone.
fn cannot_message() -> CommandError {
    CommandError::Refused {
        kind: RefusalKind::Forbidden,
        code: "cannot_message",
        detail: "you cannot write to this user".to_owned(),
        field: None,
        about: None,
    }
}
