//! Conversations and who is in them.

use super::{Answer, Call, InConversation};
use crate::{
    Problem,
    limits::Kind,
    request::{Faults, Nothing, Object, Parse},
    resource::Conversation,
};
use axum::http::StatusCode;
use commands::{CreateConversation, Done};
use domain::{
    ConversationId, UserId,
    conversation::{self, ConversationType, Joining, SettingsChange},
    text::{Link, Title},
};
use projections::queries::ConversationRow;
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

/// Whose membership is to change.
#[derive(Clone, Copy, Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct MemberChange {
    /// Whose.
    #[schema(value_type = Uuid)]
    pub user_id: UserId,
}

impl Parse for MemberChange {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        Some(Self { user_id: faults.object(value)?.required("userId")? })
    }
}

/// Opens a conversation. The direct one of a pair exists once: asked for again, it is answered as it is.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn create(call: &Call<'_>, request: NewConversation) -> Result<Answer, Problem> {
    let NewConversation { conversation_type, title, avatar_url, members, joining, approval } = request;
    call.pay_for_people(Kind::Create, members.len()).await?;
    let joining = joining.unwrap_or(Joining::of_approval(approval.unwrap_or_default()));
    let request = CreateConversation { conversation_type, title, avatar_url, joining, members };
    let created = call.app.commands.create_conversation(&call.context(), request).await?;
    let status = if created.existed { StatusCode::OK } else { StatusCode::CREATED };
    shown(call, status, &created.done).await
}

/// Changes a group's settings.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn update(call: &Call<'_>, request: InConversation<SettingsUpdate>) -> Result<Answer, Problem> {
    let InConversation { conversation, body: SettingsUpdate { title, avatar_url, joining, approval } } = request;
    let change = SettingsChange { title, avatar_url, approval, joining };
    let done = call.app.commands.update_conversation(&call.context(), conversation, change).await?;
    shown(call, StatusCode::OK, &done).await
}

/// Ends a group for everybody.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn delete(call: &Call<'_>, request: InConversation<Nothing>) -> Result<Answer, Problem> {
    let done = call.app.commands.delete_conversation(&call.context(), request.conversation).await?;
    Ok(Answer::nothing(&done.receipt))
}

/// Joins a group that is open, or asks to where a lead approves.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn join(call: &Call<'_>, request: InConversation<Nothing>) -> Result<Answer, Problem> {
    let done = call.app.commands.join(&call.context(), request.conversation).await?;
    shown(call, StatusCode::OK, &done).await
}

/// Leaves a group, or takes back that one asked to join.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn leave(call: &Call<'_>, request: InConversation<Nothing>) -> Result<Answer, Problem> {
    let done = call.app.commands.leave(&call.context(), request.conversation).await?;
    call.app.typing.stop(request.conversation, call.caller.user).await;
    Ok(Answer::nothing(&done.receipt))
}

macro_rules! on_members {
    ($($(#[$doc:meta])* $name:ident),*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// The [`Problem`] to answer.
        pub async fn $name(call: &Call<'_>, request: InConversation<MemberChange>) -> Result<Answer, Problem> {
            let InConversation { conversation, body } = request;
            let done = call.app.commands.$name(&call.context(), conversation, body.user_id).await?;
            shown(call, StatusCode::OK, &done).await
        }
    )*};
}
on_members!(
    /// Makes somebody a member.
    add,
    /// Removes a member.
    kick,
    /// Makes a member a lead.
    promote,
    /// Makes a lead a plain member.
    demote,
    /// Lets somebody in who asked.
    approve,
    /// Turns somebody down who asked.
    reject
);

/// Makes a member a lead, as an administrator who is not in the group.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn appoint(call: &Call<'_>, conversation: ConversationId, user: UserId) -> Result<Answer, Problem> {
    let done = call.app.commands.promote(&call.context(), conversation, user).await?;
    Ok(Answer::nothing(&done.receipt))
}

async fn shown(
    call: &Call<'_>,
    status: StatusCode,
    done: &Done<conversation::Conversation>,
) -> Result<Answer, Problem> {
    let row = call.app.queries.conversation(call.caller.user, ConversationId(done.id), (call.app.clock)());
    call.shown::<Conversation, ConversationRow>(status, &done.receipt, done.id, row).await
}
