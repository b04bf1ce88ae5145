//! Keeps a lead who can act in a group, as long as any member can.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Caller, Decided, Facts, UseCase},
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
    /// The members who cannot act, as far as they matter for the succession once `without` is gone. The append guards
    /// the account of the successor.
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
    /// Promotes a member who can act, when no lead can.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn settle_lead(&self, ctx: &Context, conversation: ConversationId) -> Result<(), CommandError> {
        if !self.lacks_a_lead(conversation).await? {
            return Ok(());
        }
        let done: Result<Done<Conversation>, _> =
            self.execute(&Caller::reactor(ctx), &SettleLead { conversation }).await;
        done.map(|_| ())
    }

    /// By cached state: a group with a lead needs no command.
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
