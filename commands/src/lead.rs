//! A group has somebody who can lead it, as long as somebody in it can act at all.

use crate::{
    CommandError, Commands, Context, Done,
    execute::{Caller, UseCase},
    facts::{Decided, Facts},
};
use domain::{
    ConversationId, UserId,
    conversation::{Conversation, ConversationCommand, ConversationType, Succession},
    user::User,
};
use serde::Serialize;
use std::collections::BTreeSet;

#[derive(Serialize)]
struct SettleLead {
    conversation: ConversationId,
}

impl UseCase for SettleLead {
    type Aggregate = Conversation;
    const NAME: &'static str = "conversation.settle_lead";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Conversation>, CommandError> {
        let before = facts.get::<Conversation>(self.conversation).await?;
        let idle = facts.idle(&before.state, None).await?;
        facts.decide_on(self.conversation, before, ConversationCommand::Settle { idle })
    }
}

impl Facts<'_> {
    /// Those of the group who cannot act, as far as it matters for who leads it once `without` is gone. Whoever does
    /// lead then can act, and must still be able to when the append happens.
    pub(crate) async fn idle(
        &mut self,
        group: &Conversation,
        without: Option<UserId>,
    ) -> Result<BTreeSet<UserId>, CommandError> {
        let mut idle = BTreeSet::new();
        loop {
            let next = match group.succession(without, &idle) {
                Succession::Lead(next) | Succession::Heir(next) => next,
                Succession::Nobody => return Ok(idle),
            };
            if self.peek::<User>(next).await?.state.may_act().is_ok() {
                self.get::<User>(next).await?;
                return Ok(idle);
            }
            idle.insert(next);
        }
    }
}

impl Commands {
    /// Has a member lead the group who can act, when none of its leads can and somebody else can.
    pub(crate) async fn settle_lead(&self, ctx: &Context, conversation: ConversationId) -> Result<(), CommandError> {
        if !self.lacks_a_lead(conversation).await? {
            return Ok(());
        }
        let done: Result<Done<Conversation>, _> =
            self.execute(&Caller::reactor(ctx), &SettleLead { conversation }).await;
        done.map(|_| ())
    }

    /// As this process knows it now: nothing is written for a group that has one.
    async fn lacks_a_lead(&self, conversation: ConversationId) -> Result<bool, CommandError> {
        let known = self.conversation(conversation).await?.state;
        if !known.is_live() || known.conversation_type() == ConversationType::Direct {
            return Ok(false);
        }
        for lead in known.leads() {
            if self.user(lead).await?.state.may_act().is_ok() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
