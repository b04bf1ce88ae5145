//! Acquaintance: friendship and shared conversations; and which people are hidden from each other.

use crate::{
    CommandError, Commands,
    engine::{Facts, Freshness},
};
use domain::{
    ConversationId, RefusalKind, UserId,
    conversation::Conversation,
    friendship::{Friendship, Standing},
    id::PairId,
    user::User,
};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// The most conversations of a person that are searched, the latest joined first.
const MAX_SEARCHED: usize = 512;
/// The conversations that are read together.
const PAGE: usize = 32;

/// True if the account can be found and its owner `user` has not blocked the other of the pair.
pub(crate) fn is_seen(account: &User, pair: &Friendship, user: UserId) -> bool {
    account.is_reachable() && !pair.is_blocked_by(user)
}

impl Facts<'_> {
    /// True if both are in one conversation now. The effort is the same whatever the answer.
    pub(crate) async fn share_a_conversation(&self, a: UserId, b: UserId) -> Result<bool, CommandError> {
        let (of_a, of_b) = (open_scopes(self.commands(), a).await?, open_scopes(self.commands(), b).await?);
        let of_a: BTreeSet<_> = of_a.into_iter().collect();
        Ok(of_b.iter().any(|scope| of_a.contains(scope)))
    }

    /// Refuses unless each of `others` is a friend of `by` or shares a conversation with them.
    pub(crate) async fn require_acquaintance(&mut self, by: UserId, others: &[UserId]) -> Result<(), CommandError> {
        let pairs = self.pairs_of(by, others).await?;
        let strangers = pairs.iter().filter(|(_, pair)| pair.standing() != Standing::Friends);
        let mut strangers: BTreeSet<_> = strangers.map(|(other, _)| *other).collect();
        if strangers.is_empty() {
            return Ok(());
        }
        let scopes = open_scopes(self.commands(), by).await?;
        for some in scopes.chunks(PAGE) {
            for (id, known) in self.get_many::<Conversation>(some).await? {
                let before = strangers.len();
                strangers.retain(|other| !are_in(&known.state, by, *other));
                if strangers.len() < before {
                    self.get::<Conversation>(id).await?;
                }
            }
            if strangers.is_empty() {
                return Ok(());
            }
        }
        Err(CommandError::Refused {
            kind: RefusalKind::Forbidden,
            code: "not_reachable",
            detail: "only friends and people in your conversations can be named".to_owned(),
            field: None,
            about: None,
        })
    }
}

impl Commands {
    /// Those of `others` who are no friends of `by`.
    pub(crate) async fn strangers_to(&self, by: UserId, others: &[UserId]) -> Result<Vec<UserId>, CommandError> {
        let pairs: BTreeMap<_, _> = others.iter().map(|other| (PairId::of(by, *other).0, *other)).collect();
        let ids: Vec<_> = pairs.keys().copied().collect();
        let states = self.states().load_many::<Friendship>(self.store(), &ids, Freshness::Cached).await?;
        let are_friends = |pair| states.get(pair).is_some_and(|known| known.state.standing() == Standing::Friends);
        let strangers = pairs.iter().filter(|(pair, other)| **other != by && !are_friends(pair));
        Ok(strangers.map(|(_, other)| *other).collect())
    }

    /// Those of `strangers` who share no conversation with `by`, apart from those that `by` opened.
    pub(crate) async fn not_met(&self, by: UserId, mut strangers: Vec<UserId>) -> Result<Vec<UserId>, CommandError> {
        for scope in open_scopes(self, by).await? {
            if strangers.is_empty() {
                break;
            }
            let known = self.conversation(ConversationId(scope)).await?.state;
            if known.created_by() != by {
                strangers.retain(|other| !are_in(&known, by, *other));
            }
        }
        Ok(strangers)
    }
}

fn are_in(conversation: &Conversation, a: UserId, b: UserId) -> bool {
    conversation.may_take_part(a).is_ok() && conversation.may_take_part(b).is_ok()
}

/// The conversations of `user`, the latest joined first.
async fn open_scopes(commands: &Commands, user: UserId) -> Result<Vec<Uuid>, CommandError> {
    let mut open = commands.store().intervals(user.0).await?;
    open.retain(|interval| interval.until.is_none());
    open.sort_unstable_by_key(|interval| std::cmp::Reverse(interval.from));
    Ok(open.into_iter().take(MAX_SEARCHED).map(|interval| interval.scope).collect())
}
