//! What one member does to another: they make them a member, or, as a lead, anything else.

use crate::{
    CommandError, Commands, Context, Done,
    execute::UseCase,
    facts::{Decided, Facts},
};
use domain::{
    ConversationId, UserId,
    conversation::{Conversation, ConversationCommand, Newcomer},
    friendship::{Friendship, Standing},
    user::Role,
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
                // Outsiders are told of no user before they are told that they are outsiders.
                let known = facts.conversation_of(by, conversation).await?.state;
                let known_as = facts.newcomer(by, user, &known).await?;
                Command::Add { by, user, known_as, now }
            }
            Act::Kick => Command::Kick { by, user },
            Act::Promote => {
                let is_in = facts.get::<Conversation>(conversation).await?.state.member(by).is_some();
                match account.state.role() {
                    // Who is in it themselves is party, and has no more say than their part in it gives them.
                    Role::Admin if !is_in => Command::Appoint { by, user, now },
                    _ => Command::Promote { by, user, now },
                }
            }
            Act::Demote => {
                let known = facts.get::<Conversation>(conversation).await?.state;
                // Whoever demotes another leads, and can act.
                let idle = match by == user && known.is_lead(by) {
                    true => facts.idle(&known, Some(user)).await?,
                    false => BTreeSet::new(),
                };
                Command::Demote { by, user, idle }
            }
            Act::Approve => Command::Approve { by, user },
            Act::Reject => Command::Reject { by, user },
        };
        facts.decide(conversation, command).await
    }
}

impl Facts<'_> {
    /// How somebody who is no member stands with `by`, who may approach them, and with the leads.
    async fn newcomer(&mut self, by: UserId, user: UserId, group: &Conversation) -> Result<Newcomer, CommandError> {
        if group.may_take_part(user).is_ok() {
            return Ok(Newcomer::default());
        }
        self.may_approach(by, &[user]).await?;
        let mut others = vec![by];
        // A lead does not ask the other leads.
        others.extend(group.leads().filter(|_| !group.is_lead(by)));
        let pairs = self.pairs_of(user, &others).await?;
        let is_friend =
            |(other, pair): &(UserId, Arc<Friendship>)| *other == by && pair.standing() == Standing::Friends;
        let is_shunned = |(lead, pair): &(UserId, Arc<Friendship>)| *lead != by && pair.is_blocked_by(*lead);
        Ok(Newcomer { is_friend: pairs.iter().any(is_friend), is_shunned: pairs.iter().any(is_shunned) })
    }
}

macro_rules! acts {
    ($($(#[$doc:meta])* $name:ident => $act:ident;)*) => {
        impl Commands {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// [`CommandError`].
            pub async fn $name(
                &self,
                ctx: &Context,
                conversation: ConversationId,
                user: UserId,
            ) -> Result<Done<Conversation>, CommandError> {
                let request = OnMember { conversation, user, act: Act::$act };
                if request.act == Act::Add {
                    self.hear_unasked(ctx, &request, "", &[user]).await?;
                }
                self.act(ctx, &request).await
            }
        )*}
    };
}
acts! {
    /// Makes somebody a member of a group: any member may, or a lead alone where joining needs approval. Answers
    /// `not_found` for a person who does not exist or has blocked the actor, `lead_only` for one whom a lead removed or
    /// has blocked, `has_left` for one who left and is no friend of the actor.
    add => Add;
    /// Removes a member of a group; only a lead may.
    kick => Kick;
    /// Makes a member of a group a lead; a lead may, and an administrator who is not in it.
    promote => Promote;
    /// Makes a lead of a group a plain member; only a lead may, and one lead must stay.
    demote => Demote;
    /// Lets somebody in who asked to join; only a lead may.
    approve => Approve;
    /// Turns somebody down who asked to join; only a lead may.
    reject => Reject;
}
