//! A lead changes a group's settings.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Decided, Facts, UseCase},
};
use domain::{
    ConversationId, EventType,
    conversation::{Conversation, ConversationCommand, SettingsChange},
};
use serde::Serialize;

#[derive(Serialize)]
struct UpdateConversation {
    conversation: ConversationId,
    change: SettingsChange,
}

impl UseCase for UpdateConversation {
    type Aggregate = Conversation;
    const NAME: &'static str = "conversation.update";
    const LEADS_TO: Option<&'static EventType> = Some(EventType::named("conversation.updated"));

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Conversation>, CommandError> {
        let by = facts.actor().await?;
        let before = facts.get::<Conversation>(self.conversation).await?;
        let shown = before.state.settings().avatar_url.clone();
        let command = ConversationCommand::Update { by, change: self.change.clone(), now: facts.now() };
        let decided = facts.decide_on(self.conversation, before, command)?;
        let avatar_url = self.change.avatar_url.clone().flatten().filter(|url| Some(url) != shown.as_ref());
        facts.authorize_avatar(by, avatar_url.as_ref()).await?;
        Ok(decided)
    }
}

impl Commands {
    /// Changes title, picture or joining rule of a group; leads only.
    ///
    /// # Errors
    /// [`CommandError`]; `Spam`, `TooOften`.
    pub async fn update_conversation(
        &self,
        ctx: &Context,
        conversation: ConversationId,
        change: SettingsChange,
    ) -> Result<Done<Conversation>, CommandError> {
        let request = UpdateConversation { conversation, change };
        if let Some(Some(title)) = &request.change.title {
            self.check_title(ctx, &request, conversation, title.as_str()).await?;
        }
        self.act(ctx, &request).await
    }
}
