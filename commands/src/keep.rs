//! A member says how they keep a conversation: muted, archived, cleared. Nobody else is told.

use crate::{
    CommandError, Commands, Context, Done,
    execute::UseCase,
    facts::{Decided, Facts},
};
use domain::{
    ConversationId, Tier,
    id::OwnSettingsId,
    own_settings::{OwnSettings, OwnSettingsAct, OwnSettingsCommand},
};
use serde::Serialize;

#[derive(Serialize)]
struct Keep {
    conversation: ConversationId,
    act: OwnSettingsAct,
}

impl UseCase for Keep {
    type Aggregate = OwnSettings;
    const NAME: &'static str = "conversation.keep";

    fn tier(&self) -> Tier {
        Tier::Medium
    }

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<OwnSettings>, CommandError> {
        let user = facts.actor().await?;
        let Self { conversation, act } = *self;
        facts.conversation_of(user, conversation).await?;
        let head = match act {
            OwnSettingsAct::Archive | OwnSettingsAct::Clear => facts.head_for(conversation, u64::MAX).await?,
            OwnSettingsAct::Mute { until: Some(until) } if until <= facts.now() => {
                return Err(CommandError::field("until", "in_the_past", "must be in the future"));
            }
            OwnSettingsAct::Mute { .. } | OwnSettingsAct::Unmute | OwnSettingsAct::Unarchive => 0,
        };
        facts.decide(OwnSettingsId::of(conversation, user), OwnSettingsCommand { conversation, user, head, act }).await
    }
}

impl Commands {
    /// Does `act` concerning how the actor keeps a conversation.
    ///
    /// # Errors
    /// [`CommandError`]; `not_found` unless they are in it.
    pub async fn keep(
        &self,
        ctx: &Context,
        conversation: ConversationId,
        act: OwnSettingsAct,
    ) -> Result<Done<OwnSettings>, CommandError> {
        self.act(ctx, &Keep { conversation, act }).await
    }
}
