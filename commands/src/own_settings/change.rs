//! A member mutes, archives or clears a conversation for themselves.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Decided, Facts, UseCase},
};
use domain::{
    ConversationId, EventType,
    id::OwnSettingsId,
    own_settings::{OwnSettings, OwnSettingsAct, OwnSettingsCommand},
};
use serde::Serialize;

#[derive(Serialize)]
struct ChangeOwnSettings {
    conversation: ConversationId,
    act: OwnSettingsAct,
}

impl UseCase for ChangeOwnSettings {
    type Aggregate = OwnSettings;
    const NAME: &'static str = "conversation.keep";
    const LEADS_TO: Option<&'static EventType> = Some(EventType::named("own_settings.muted"));

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
    /// Changes the actor's own settings of a conversation.
    ///
    /// # Errors
    /// [`CommandError`]; `not_found` unless the actor is in it.
    pub async fn change_own_settings(
        &self,
        ctx: &Context,
        conversation: ConversationId,
        act: OwnSettingsAct,
    ) -> Result<Done<OwnSettings>, CommandError> {
        self.act(ctx, &ChangeOwnSettings { conversation, act }).await
    }
}
