//! Conversations.

use super::{Answer, Operation, Request, Route};
use async_trait::async_trait;
use axum::http::StatusCode;
use domain::{
    ConversationId, UserId,
    conversation::{ConversationType, Joining, SettingsChange},
    text::{Link, Title},
};
use event_store::Receipt;
use limits::Kind;
use projections::queries::ConversationRow;
use protocol::{
    Problem,
    request::{Faults, Nothing, Object, Parse},
    resource::{Conversation, OrId},
};
use serde_json::Value;
use utoipa::ToSchema;

/// A conversation to open.
#[derive(Clone, Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct NewConversation {
    /// `direct` or `group`.
    #[schema(rename = "type", value_type = String, example = "group")]
    pub conversation_type: ConversationType,
    /// A group's title.
    #[schema(value_type = Option<String>)]
    pub title: Option<Title>,
    /// A group's picture.
    #[schema(value_type = Option<String>)]
    pub avatar_url: Option<Link>,
    /// The others; of a direct conversation exactly one.
    #[schema(value_type = Vec<Uuid>)]
    pub members: Vec<UserId>,
    /// How people come into a group by themselves: `invite` (not at all: nobody joins by its id), `approval` (they ask,
    /// a lead decides) or `open`; `invite` when absent.
    #[schema(value_type = Option<String>, example = "invite")]
    pub joining: Option<Joining>,
    /// `true` says the same as `joining` `approval`.
    pub approval: Option<bool>,
}

impl Parse for NewConversation {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let mut object = faults.object(value)?;
        let conversation_type = object.required("type");
        let title = object.optional("title");
        let avatar_url = object.optional("avatarUrl");
        let members = object.required("members");
        let (joining, approval) = (object.optional("joining"), object.optional("approval"));
        agree(&mut object, joining, approval)?;
        if conversation_type == Some(ConversationType::Direct) {
            let given = [
                ("title", title.is_some()),
                ("avatarUrl", avatar_url.is_some()),
                ("joining", joining.is_some()),
                ("approval", approval == Some(true)),
            ];
            if let Some((field, _)) = given.into_iter().find(|(_, is_given)| *is_given) {
                return object.fault(field, "contradicts", "is a group's: a direct conversation has none");
            }
        }
        Some(Self { conversation_type: conversation_type?, title, avatar_url, members: members?, joining, approval })
    }
}

/// `approval` says nothing else than `joining`, where both are given.
fn agree(object: &mut Object<'_, '_>, joining: Option<Joining>, approval: Option<bool>) -> Option<()> {
    match (joining, approval) {
        (Some(joining), Some(approval)) if approval != (joining == Joining::Approval) => {
            object.fault("approval", "contradicts", format!("says otherwise than joining: {}", joining.as_str()))
        }
        _ => Some(()),
    }
}

/// New settings of a group: what is absent stays, a null removes.
#[derive(Clone, Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct SettingsUpdate {
    /// The title.
    #[schema(value_type = Option<String>)]
    pub title: Option<Option<Title>>,
    /// The picture.
    #[schema(value_type = Option<String>)]
    pub avatar_url: Option<Option<Link>>,
    /// How people come in by themselves: `invite`, `approval` or `open`.
    #[schema(value_type = Option<String>, example = "approval")]
    pub joining: Option<Joining>,
    /// `true` says the same as `joining` `approval`; `false` makes of a group with approval one by `invite`.
    pub approval: Option<bool>,
}

impl Parse for SettingsUpdate {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let mut object = faults.object(value)?;
        let (title, avatar_url) = (object.removable("title"), object.removable("avatarUrl"));
        let (joining, approval) = (object.kept("joining"), object.kept("approval"));
        agree(&mut object, joining, approval)?;
        Some(Self { title, avatar_url, joining, approval })
    }
}

/// `conversation.create`.
pub struct CreateConversation;

#[async_trait]
impl Operation for CreateConversation {
    const NAME: &'static str = "conversation.create";
    const SUMMARY: &'static str = "Opens a conversation. The direct one of a pair exists once: asked for again, it is answered as it \
        is.";
    const BUDGET: Kind = Kind::Create;
    const ROUTE: Option<Route> =
        Some(Route::post("/conversations", "createConversation", "conversations").creates_or("it was there"));

    type Target = ();
    type Body = NewConversation;
    type Output = OrId<Conversation>;

    async fn run(
        (): (),
        NewConversation { conversation_type, title, avatar_url, members, joining, approval }: NewConversation,
        request: &Request<'_>,
    ) -> Result<Answer, Problem> {
        request.pay_for_people(Self::BUDGET, members.len()).await?;
        let joining = joining.unwrap_or(Joining::of_approval(approval.unwrap_or_default()));
        let new =
            commands::CreateConversation { conversation_type, title, avatar_url, joining, members: members.clone() };
        let created = request.app.commands.create_conversation(&request.context(), new).await;
        let created = created.map_err(|error| Problem::of_people(error, "members", &members))?;
        let status = if created.existed { StatusCode::OK } else { StatusCode::CREATED };
        shown(request, status, created.done.id.into(), &created.done.receipt).await
    }
}

/// `conversation.update`.
pub struct UpdateConversation;

#[async_trait]
impl Operation for UpdateConversation {
    const NAME: &'static str = "conversation.update";
    const SUMMARY: &'static str = "Changes a group's settings.";
    const BUDGET: Kind = Kind::Conversation;
    const ROUTE: Option<Route> = Some(Route::patch("/conversations/{id}", "updateConversation", "conversations"));

    type Target = ConversationId;
    type Body = SettingsUpdate;
    type Output = OrId<Conversation>;

    async fn run(
        conversation: ConversationId,
        SettingsUpdate { title, avatar_url, joining, approval }: SettingsUpdate,
        request: &Request<'_>,
    ) -> Result<Answer, Problem> {
        let change = SettingsChange { title, avatar_url, approval, joining };
        let done = request.app.commands.update_conversation(&request.context(), conversation, change).await?;
        shown(request, StatusCode::OK, conversation, &done.receipt).await
    }
}

/// `conversation.delete`.
pub struct DeleteConversation;

#[async_trait]
impl Operation for DeleteConversation {
    const NAME: &'static str = "conversation.delete";
    const SUMMARY: &'static str = "Ends a group for everybody.";
    const BUDGET: Kind = Kind::Conversation;
    const ROUTE: Option<Route> = Some(Route::delete("/conversations/{id}", "deleteConversation", "conversations"));

    type Target = ConversationId;
    type Body = Nothing;
    type Output = Nothing;

    async fn run(conversation: ConversationId, _: Nothing, request: &Request<'_>) -> Result<Answer, Problem> {
        let done = request.app.commands.delete_conversation(&request.context(), conversation).await?;
        Ok(Answer::nothing(&done.receipt))
    }
}

/// Answers with the conversation as the caller sees it now.
pub(super) async fn shown(
    request: &Request<'_>,
    status: StatusCode,
    id: ConversationId,
    receipt: &Receipt,
) -> Result<Answer, Problem> {
    let row = request.app.queries.conversation(request.caller.user, id, (request.app.clock)());
    request.shown::<Conversation, ConversationRow>(status, receipt, id.0, row).await
}
