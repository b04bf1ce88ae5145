//! The caller's own settings of a conversation.

use super::{Answer, Operation, Request, Route, conversations::shown};
use async_trait::async_trait;
use axum::http::StatusCode;
use domain::{ConversationId, Timestamp, own_settings::OwnSettingsAct as Act};
use limits::Kind;
use protocol::{
    Problem,
    request::{Faults, Nothing, Parse},
    resource::{Conversation, OrId},
};
use serde_json::Value;
use utoipa::ToSchema;

/// Until when a conversation is to be silent.
#[derive(Clone, Copy, Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Silence {
    /// Until then; for good when absent.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
}

impl Parse for Silence {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        Some(Self { until: faults.object(value)?.optional("until") })
    }
}

/// `conversation.mute`.
pub struct Mute;

#[async_trait]
impl Operation for Mute {
    const NAME: &'static str = "conversation.mute";
    const SUMMARY: &'static str = "Mutes a conversation, for good or until a time.";
    const BUDGET: Kind = Kind::Conversation;
    const ROUTE: Option<Route> =
        Some(Route::post("/conversations/{id}/mute", "muteConversation", "conversations").may_lack_body());

    type Target = ConversationId;
    type Body = Silence;
    type Output = OrId<Conversation>;

    async fn run(
        conversation: ConversationId,
        Silence { until }: Silence,
        request: &Request<'_>,
    ) -> Result<Answer, Problem> {
        change(request, conversation, Act::Mute { until }).await
    }
}

/// `conversation.unmute`.
pub struct Unmute;

#[async_trait]
impl Operation for Unmute {
    const NAME: &'static str = "conversation.unmute";
    const SUMMARY: &'static str = "Unmutes a conversation.";
    const BUDGET: Kind = Kind::Conversation;
    const ROUTE: Option<Route> = Some(Route::post("/conversations/{id}/unmute", "unmuteConversation", "conversations"));

    type Target = ConversationId;
    type Body = Nothing;
    type Output = OrId<Conversation>;

    async fn run(conversation: ConversationId, _: Nothing, request: &Request<'_>) -> Result<Answer, Problem> {
        change(request, conversation, Act::Unmute).await
    }
}

/// `conversation.archive`.
pub struct Archive;

#[async_trait]
impl Operation for Archive {
    const NAME: &'static str = "conversation.archive";
    const SUMMARY: &'static str =
        "Puts a conversation away, for oneself. A later message brings it back, unless it is muted.";
    const BUDGET: Kind = Kind::Conversation;
    const ROUTE: Option<Route> =
        Some(Route::post("/conversations/{id}/archive", "archiveConversation", "conversations"));

    type Target = ConversationId;
    type Body = Nothing;
    type Output = OrId<Conversation>;

    async fn run(conversation: ConversationId, _: Nothing, request: &Request<'_>) -> Result<Answer, Problem> {
        change(request, conversation, Act::Archive).await
    }
}

/// `conversation.unarchive`.
pub struct Unarchive;

#[async_trait]
impl Operation for Unarchive {
    const NAME: &'static str = "conversation.unarchive";
    const SUMMARY: &'static str = "Takes a conversation out again.";
    const BUDGET: Kind = Kind::Conversation;
    const ROUTE: Option<Route> =
        Some(Route::post("/conversations/{id}/unarchive", "unarchiveConversation", "conversations"));

    type Target = ConversationId;
    type Body = Nothing;
    type Output = OrId<Conversation>;

    async fn run(conversation: ConversationId, _: Nothing, request: &Request<'_>) -> Result<Answer, Problem> {
        change(request, conversation, Act::Unarchive).await
    }
}

/// Clears the history of a conversation.
pub struct ClearHistory;

#[async_trait]
impl Operation for ClearHistory {
    const NAME: &'static str = "conversation.clear";
    const SUMMARY: &'static str =
        "Clears the history for oneself: what was said so far is seen no more. To the others it is all there.";
    const BUDGET: Kind = Kind::Conversation;
    const ROUTE: Option<Route> = Some(Route::delete("/conversations/{id}/history", "clearHistory", "conversations"));
    const ON_SOCKETS: bool = false;

    type Target = ConversationId;
    type Body = Nothing;
    type Output = Nothing;

    async fn run(conversation: ConversationId, _: Nothing, request: &Request<'_>) -> Result<Answer, Problem> {
        let done = request.app.commands.change_own_settings(&request.context(), conversation, Act::Clear).await?;
        Ok(Answer::nothing(&done.receipt))
    }
}

async fn change(request: &Request<'_>, conversation: ConversationId, act: Act) -> Result<Answer, Problem> {
    let done = request.app.commands.change_own_settings(&request.context(), conversation, act).await?;
    shown(request, StatusCode::OK, conversation, &done.receipt).await
}
