//! Acts of one member on another: any member may add; the rest is for leads.

use crate::{
    CommandError, Commands, Context, Done,
    conversation::not_reachable,
    engine::{Decided, Facts, UseCase, refused},
};
use domain::{
    ConversationId, UserId,
    conversation::{Conversation, ConversationCommand, ConversationError, Newcomer},
    friendship::{Friendship, Standing},
    user::{Role, Way},
};
use serde::Serialize;
use std::{collections::BTreeSet, sync::Arc};

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
enum Act {
    Add,
    Kick,
    Promote,
    Demote,
    Approve,
    Reject,
}

#[derive(Serialize)]
struct OnMember {
    conversation: ConversationId,
    user: UserId,
    act: Act,
}

impl UseCase for OnMember {
    type Aggregate = Conversation;
    const NAME: &'static str = "conversation.member";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Conversation>, CommandError> {
        use ConversationCommand as Command;
        let (by, account) = facts.actor_and_account().await?;
        let Self { conversation, user, act } = *self;
        let now = facts.now();
        let command = match act {
            Act::Add => {
                // An outsider learns that they are one before anything about the user.
                let known = facts.conversation_of(by, conversation).await?.state;
                let known_as = facts.newcomer(by, user, &known).await?;
                Command::Add { by, user, known_as, now }
            }
            Act::Kick => {
                facts.waits_openly(by, user, conversation, ConversationError::NotMember).await?;
                Command::Kick { by, user }
            }
            Act::Promote => {
                let is_in = facts.get::<Conversation>(conversation).await?.state.member(by).is_some();
                match account.state.role() {
                    // An administrator who is a member has only a member's rights.
                    Role::Admin if !is_in => Command::Appoint { by, user, now },
                    _ => Command::Promote { by, user, now },
                }
            }
            Act::Demote => {
                let known = facts.get::<Conversation>(conversation).await?.state;
                // The actor leads and can act, unless they demote themselves.
                let idle = match by == user && known.is_lead(by) {
                    true => facts.idle(&known, Some(user)).await?,
                    false => BTreeSet::new(),
                };
                Command::Demote { by, user, idle }
            }
            Act::Approve => {
                facts.waits_openly(by, user, conversation, ConversationError::NoRequest).await?;
                Command::Approve { by, user }
            }
            Act::Reject => {
                facts.waits_openly(by, user, conversation, ConversationError::NoRequest).await?;
                Command::Reject { by, user }
            }
        };
        facts.decide(conversation, command).await
    }
}

impl Facts<'_> {
    /// Refuses a lead's act on one who waits to be let in, when a block hides the group from them.
    async fn waits_openly(
        &mut self,
        by: UserId,
        user: UserId,
        conversation: ConversationId,
        otherwise: ConversationError,
    ) -> Result<(), CommandError> {
        let group = self.get::<Conversation>(conversation).await?.state;
        let is_hidden = group.is_lead(by) && self.is_hidden_from_waiting(&group, user).await?;
        if is_hidden { Err(refused(otherwise)) } else { Ok(()) }
    }

    /// The relations of a person to add with `by` and with the leads; refused unless `by` may approach them.
    async fn newcomer(&mut self, by: UserId, user: UserId, group: &Conversation) -> Result<Newcomer, CommandError> {
        if group.may_take_part(user).is_ok() {
            return Ok(Newcomer::default());
        }
        self.may_approach(by, &[user]).await?;
        let others: Vec<_> = std::iter::once(by).chain(group.leads().filter(|lead| *lead != by)).collect();
        let pairs = self.pairs_of(user, &others).await?;
        let is_friend =
            |(other, pair): &(UserId, Arc<Friendship>)| *other == by && pair.standing() == Standing::Friends;
        // A lead adds whom other leads have blocked.
        let is_shunned = |(lead, pair): &(UserId, Arc<Friendship>)| *lead != by && pair.is_blocked_by(*lead);
        let is_friend = pairs.iter().any(is_friend);
        let is_shunned = !group.is_lead(by) && pairs.iter().any(is_shunned);
        let is_unreachable = !self.unreachable(by, &[user], Way::Groups).await?.is_empty();
        // They would not see an invitation.
        if is_unreachable && !is_shunned && pairs.iter().any(|(_, pair)| pair.is_blocked()) {
            return Err(not_reachable());
        }
        Ok(Newcomer { is_friend, is_shunned, is_unreachable })
    }
}

impl Commands {
    /// Adds a member to a group, or invites a person who lets only friends add them. Any member may, or only leads
    /// where joining needs approval. Refusals: `not_found` for a person who does not exist or has blocked the actor,
    /// `lead_only` for one removed or blocked by a lead, `has_left` for one who left and is no friend of the actor.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn add(
        &self,
        ctx: &Context,
        conversation: ConversationId,
        user: UserId,
    ) -> Result<Done<Conversation>, CommandError> {
        let request = OnMember { conversation, user, act: Act::Add };
        self.check_addition(ctx, &request, conversation, user).await?;
        self.act(ctx, &request).await
    }

    /// Removes a member of a group, or withdraws an invitation; leads only.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn kick(
        &self,
        ctx: &Context,
        conversation: ConversationId,
        user: UserId,
    ) -> Result<Done<Conversation>, CommandError> {
        self.act(ctx, &OnMember { conversation, user, act: Act::Kick }).await
    }

    /// Makes a member of a group a lead; for leads, and administrators who are no members.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn promote(
        &self,
        ctx: &Context,
        conversation: ConversationId,
        user: UserId,
    ) -> Result<Done<Conversation>, CommandError> {
        self.act(ctx, &OnMember { conversation, user, act: Act::Promote }).await
    }

    /// Makes a lead of a group a plain member; leads only, and one lead must remain.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn demote(
        &self,
        ctx: &Context,
        conversation: ConversationId,
        user: UserId,
    ) -> Result<Done<Conversation>, CommandError> {
        self.act(ctx, &OnMember { conversation, user, act: Act::Demote }).await
    }

    /// Accepts a request to join; leads only.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn approve(
        &self,
        ctx: &Context,
        conversation: ConversationId,
        user: UserId,
    ) -> Result<Done<Conversation>, CommandError> {
        self.act(ctx, &OnMember { conversation, user, act: Act::Approve }).await
    }

    /// Rejects a request to join; leads only.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn reject(
        &self,
        ctx: &Context,
        conversation: ConversationId,
        user: UserId,
    ) -> Result<Done<Conversation>, CommandError> {
        self.act(ctx, &OnMember { conversation, user, act: Act::Reject }).await
    }
}
