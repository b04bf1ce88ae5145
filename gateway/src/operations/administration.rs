//! What administrators and moderators do to accounts, conversations, messages and the server itself. Each is a command
//! with an event.

use super::{Answer, Call};
use crate::{
    Problem,
    request::{Faults, Parse},
    resource::OwnUser,
    upkeep::Letter,
};
use axum::http::StatusCode;
use commands::AccountChange;
use domain::{ConversationId, MessageId, StoryId, UserId, administration::Act, user::Role};
use projections::{Projection, queries::UserRow};
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
pub async fn change_account(call: &Call<'_>, user: UserId, request: AccountUpdate) -> Result<Answer, Problem> {
    let AccountUpdate { is_blocked, role } = request;
    let done = call.app.commands.change_account(&call.context(), user, AccountChange { is_blocked, role }).await?;
    let row = call.app.queries.user(user);
    call.shown::<OwnUser, UserRow>(StatusCode::OK, &done.receipt, done.id, row).await
}

/// Ends a conversation for everybody.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn remove_conversation(call: &Call<'_>, conversation: ConversationId) -> Result<Answer, Problem> {
    let done = call.app.commands.remove_conversation(&call.context(), conversation).await?;
    Ok(Answer::nothing(&done.receipt))
}

/// Takes a story away from everybody.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn remove_story(call: &Call<'_>, story: StoryId) -> Result<Answer, Problem> {
    let done = call.app.commands.remove_story(&call.context(), story).await?;
    Ok(Answer::nothing(&done.receipt))
}

/// Removes a message for everybody.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn remove_message(call: &Call<'_>, message: MessageId) -> Result<Answer, Problem> {
    let done = call.app.commands.remove_message(&call.context(), message).await?;
    Ok(Answer::nothing(&done.receipt))
}

/// Begins to rebuild a projection in the background. One that is being rebuilt is left to it.
///
/// # Errors
/// The [`Problem`] to answer; `rebuild_running` while another one is rebuilt.
pub async fn rebuild(call: &Call<'_>, projection: Projection) -> Result<Answer, Problem> {
    let (ctx, act, target) = (call.context(), Act::RebuildProjection, projection.name());
    let upkeep = &call.app.upkeep;
    let running = upkeep.running().await?;
    let is_answered = running == Some(projection) || call.app.commands.has_noted(&ctx, act, target).await?;
    let mut position = None;
    if !is_answered {
        if running.is_some() {
            return Err(rebuild_running());
        }
        position = call.app.commands.note_act(&ctx, act, target).await?.receipt.position;
        if !upkeep.rebuild(projection).await? {
            return Err(rebuild_running());
        }
    }
    let body = serde_json::to_value(upkeep.projection(&call.app.progress, projection).await?);
    let body = body.map_err(Problem::internal)?;
    Ok(Answer { status: StatusCode::ACCEPTED.as_u16(), body, position })
}

fn rebuild_running() -> Problem {
    Problem::new(StatusCode::CONFLICT, "rebuild_running", "another projection is being rebuilt: one at a time")
}

/// What becomes of an event that could not be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is tried again, and those behind it.
    Retried,
    /// It is given up for good, and those behind it applied.
    Discarded,
}

/// Tries a dead letter again, or gives it up.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn release(call: &Call<'_>, id: Letter, fate: Fate) -> Result<Answer, Problem> {
    let (ctx, target) = (call.context(), id.to_string());
    let act = match fate {
        Fate::Retried => Act::RetryDeadLetter,
        Fate::Discarded => Act::DiscardDeadLetter,
    };
    let mut position = None;
    if !call.app.commands.has_noted(&ctx, act, &target).await? {
        if !call.app.upkeep.is_parked(&id).await? {
            return Err(Problem::not_found());
        }
        position = call.app.commands.note_act(&ctx, act, &target).await?.receipt.position;
        call.app.upkeep.release(&id, fate).await?;
    }
    Ok(Answer { status: StatusCode::NO_CONTENT.as_u16(), body: Value::Null, position })
}
