//! Authorization between two people, by states that the append guards.

use crate::{
    CommandError,
    engine::{Facts, refused},
};
use domain::{
    AggregateType, UserId,
    friendship::{Friendship, FriendshipError, Standing},
    id::PairId,
    user::{User, Way},
};
use event_store::{Guard, StreamId};
use std::{collections::HashSet, sync::Arc};
use uuid::Uuid;

impl Facts<'_> {
    /// Refuses unless each of `others` has an account that can be found, and no block stands between them and `by`.
    pub(crate) async fn may_approach(&mut self, by: UserId, others: &[UserId]) -> Result<(), CommandError> {
        let ids: Vec<Uuid> = others.iter().map(|user| user.0).collect();
        let users = self.get_each::<User>(&ids).await?;
        let pairs: Vec<Uuid> = others.iter().map(|user| PairId::of(by, *user).0).collect();
        let friendships = self.get_each::<Friendship>(&pairs).await?;
        for ((other, user), friendship) in others.iter().zip(users).zip(friendships) {
            if !user.state.is_reachable() {
                return Err(refused(FriendshipError::NotFound).about(*other));
            }
            friendship.state.may_approach(by, *other).map_err(|error| refused(error).about(*other))?;
        }
        Ok(())
    }

    /// Those of `others` who do not let `by` reach them this way. [`may_approach`](Self::may_approach) has guarded
    /// their accounts and pairs.
    pub(crate) async fn unreachable(
        &mut self,
        by: UserId,
        others: &[UserId],
        way: Way,
    ) -> Result<Vec<UserId>, CommandError> {
        let default = self.commands().settings().reachable_by;
        let ids: Vec<Uuid> = others.iter().map(|other| other.0).collect();
        let accounts = self.get_many::<User>(&ids).await?;
        let is_reached = |other: &UserId| {
            accounts.get(&other.0).is_some_and(|account| account.state.is_reached(way, false, default))
        };
        let others: Vec<_> = others.iter().copied().filter(|other| *other != by && !is_reached(other)).collect();
        if others.is_empty() {
            return Ok(others);
        }
        let ids: Vec<Uuid> = others.iter().map(|other| PairId::of(by, *other).0).collect();
        let pairs = self.get_many::<Friendship>(&ids).await?;
        let are_friends = |other: &UserId| {
            pairs.get(&PairId::of(by, *other).0).is_some_and(|pair| pair.state.standing() == Standing::Friends)
        };
        Ok(others.into_iter().filter(|other| !are_friends(other)).collect())
    }

    /// The guarded friendship of `user` with each of `others`, without themselves.
    pub(crate) async fn pairs_of(
        &mut self,
        user: UserId,
        others: &[UserId],
    ) -> Result<Vec<(UserId, Arc<Friendship>)>, CommandError> {
        let others: Vec<_> = others.iter().copied().filter(|other| *other != user).collect();
        let ids: Vec<Uuid> = others.iter().map(|other| PairId::of(user, *other).0).collect();
        let pairs = self.get_each::<Friendship>(&ids).await?;
        Ok(others.into_iter().zip(pairs.into_iter().map(|pair| pair.state)).collect())
    }

    /// Those of `others` whose friendship with `by` satisfies `is_wanted`; the append guards their pairs.
    pub(crate) async fn filter_by_friendship(
        &mut self,
        by: UserId,
        others: impl IntoIterator<Item = UserId>,
        is_wanted: impl Fn(&Friendship) -> bool,
    ) -> Result<Vec<UserId>, CommandError> {
        let others: Vec<_> = others.into_iter().map(|other| (other, PairId::of(by, other).0)).collect();
        let pairs: Vec<Uuid> = others.iter().map(|(_, pair)| *pair).collect();
        let states = self.get_many::<Friendship>(&pairs).await?;
        let guarded: HashSet<_> = self.guards.iter().map(|guard| guard.stream).collect();
        let mut wanted = Vec::new();
        for (other, pair) in others {
            let friendship = states.get(&pair).cloned().unwrap_or_default();
            if is_wanted(&friendship.state) {
                let stream = StreamId::new(AggregateType::Friendship, pair);
                if !guarded.contains(&stream) {
                    self.guards.push(Guard { stream, version: friendship.version });
                }
                wanted.push(other);
            }
        }
        Ok(wanted)
    }
}
