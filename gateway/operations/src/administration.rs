//! Commands of administrators and moderators on accounts, conversations, messages and the server itself. Each stores an
//! event.

use super::{Answer, Request};
use crate::upkeep::{Fate, Letter};
use axum::http::StatusCode;
use commands::AccountChange;
use domain::{ConversationId, MessageId, StoryId, UserId, administration::Act, user::Role};
use projections::{Projection, queries::UserRow};
use protocol::{
    Problem,
    request::{Faults, Parse},
    resource::OwnUser,
};
use serde_json::Value;
use utoipa::ToSchema;

/// What is to change of an account: what is absent stays.
#[derive(Clone, Copy, Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct AccountUpdate {
    /// Whether it is stopped from acting: its sockets close now, its tokens are refused.
    pub is_blocked: Option<bool>,
    /// `USER`, `MODERATOR` or `ADMIN`.
    #[schema(value_type = Option<String>, example = "MODERATOR")]
    pub role: Option<Role>,
}

impl Parse for AccountUpdate {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let mut object = faults.object(value)?;
        Some(Self { is_blocked: object.kept("isBlocked"), role: object.kept("role") })
    }
}

/// Changes what somebody else may do.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn change_account(request: &Request<'_>, user: UserId, update: AccountUpdate) -> Result<Answer, Problem> {
    let AccountUpdate { is_blocked, role } = update;
    let done =
        request.app.commands.change_account(&request.context(), user, AccountChange { is_blocked, role }).await?;
    let row = request.app.queries.user(user);
    request.shown::<OwnUser, UserRow>(StatusCode::OK, &done.receipt, done.id, row).await
}

/// Ends a conversation for everybody.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn remove_conversation(request: &Request<'_>, conversation: ConversationId) -> Result<Answer, Problem> {
    let done = request.app.commands.remove_conversation(&request.context(), conversation).await?;
    Ok(Answer::nothing(&done.receipt))
}

/// Takes a story away from everybody.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn remove_story(request: &Request<'_>, story: StoryId) -> Result<Answer, Problem> {
    let done = request.app.commands.remove_story(&request.context(), story).await?;
    Ok(Answer::nothing(&done.receipt))
}

/// Removes a message for everybody.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn remove_message(request: &Request<'_>, message: MessageId) -> Result<Answer, Problem> {
    let done = request.app.commands.remove_message(&request.context(), message).await?;
    Ok(Answer::nothing(&done.receipt))
}

/// Begins to rebuild a projection in the background. One that is being rebuilt is left to it.
///
/// # Errors
/// The [`Problem`] to answer; `rebuild_running` while another one is rebuilt.
pub async fn rebuild(request: &Request<'_>, projection: Projection) -> Result<Answer, Problem> {
    let (ctx, act, target) = (request.context(), Act::RebuildProjection, projection.name());
    let upkeep = &request.app.upkeep;
    let running = upkeep.running().await?;
    let is_answered = running == Some(projection) || request.app.commands.has_noted(&ctx, act, target).await?;
    let mut position = None;
    if !is_answered {
        if running.is_some() {
            return Err(rebuild_running());
        }
        position = request.app.commands.note_act(&ctx, act, target).await?.receipt.position;
        if !upkeep.rebuild(projection).await? {
            return Err(rebuild_running());
        }
    }
    let body = serde_json::to_value(upkeep.projection(&request.app.progress, projection).await?);
    let body = body.map_err(Problem::internal)?;
    Ok(Answer { status: StatusCode::ACCEPTED.as_u16(), body, position, scope: Some(request.caller.user.0) })
}

fn rebuild_running() -> Problem {
    Problem::new(StatusCode::CONFLICT, "rebuild_running", "another projection is being rebuilt: one at a time")
}

/// Tries a dead letter again, or gives it up.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn release(request: &Request<'_>, id: Letter, fate: Fate) -> Result<Answer, Problem> {
    let (ctx, target) = (request.context(), id.to_string());
    let act = match fate {
        Fate::Retried => Act::RetryDeadLetter,
        Fate::Discarded => Act::DiscardDeadLetter,
    };
    let mut position = None;
    if !request.app.commands.has_noted(&ctx, act, &target).await? {
        if !request.app.upkeep.is_parked(&id).await? {
            return Err(Problem::not_found());
        }
        position = request.app.commands.note_act(&ctx, act, &target).await?.receipt.position;
        request.app.upkeep.release(&id, fate).await?;
    }
    let (status, scope) = (StatusCode::NO_CONTENT.as_u16(), Some(request.caller.user.0));
    Ok(Answer { status, body: Value::Null, position, scope })
}
