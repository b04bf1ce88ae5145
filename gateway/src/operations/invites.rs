//! Invites into groups.

use super::{Answer, Call, InConversation};
use crate::{
    Problem,
    request::{Faults, Parse},
    resource::{Conversation, Invite},
};
use axum::http::StatusCode;
use commands::InviteLimits;
use domain::{ConversationId, Timestamp, text::InviteCode};
use projections::queries::ConversationRow;
use serde_json::Value;
use std::num::NonZeroU32;
use utoipa::ToSchema;

/// An invite to make.
#[derive(Clone, Copy, Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct NewInvite {
    /// From when on it is to be good for nothing; never when absent.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// How many may come by it, at least 1; any number when absent.
    #[schema(value_type = Option<u32>, minimum = 1)]
    pub max_uses: Option<NonZeroU32>,
}

impl Parse for NewInvite {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let mut object = faults.object(value)?;
        Some(Self { expires_at: object.optional("expiresAt"), max_uses: object.optional("maxUses") })
    }
}

impl Parse for NonZeroU32 {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok()).and_then(Self::new);
        number.or_else(|| match value.is_number() {
            true => faults.fault("out_of_range", format!("must be a whole number from 1 to {}", u32::MAX)),
            false => faults.wrong_type("a whole number"),
        })
    }
}

/// Makes an invite into a group.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn invite(call: &Call<'_>, request: InConversation<NewInvite>) -> Result<Answer, Problem> {
    let InConversation { conversation, body: NewInvite { expires_at, max_uses } } = request;
    let limits = InviteLimits { expires_at, max_uses };
    let done = call.app.commands.create_invite(&call.context(), conversation, limits).await?;
    let made = done.state.invites().newest().and_then(|(_, invite)| Invite::of(conversation, invite));
    let made = made.ok_or_else(Problem::not_found)?;
    Answer::with(StatusCode::CREATED, &made, &done.receipt)
}

/// Takes an invite back.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn revoke_invite(call: &Call<'_>, request: InConversation<InviteCode>) -> Result<Answer, Problem> {
    let InConversation { conversation, body: code } = request;
    let done = call.app.commands.revoke_invite(&call.context(), conversation, code).await?;
    Ok(Answer::nothing(&done.receipt))
}

/// Comes into a group by an invite, or asks to.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn accept_invite(call: &Call<'_>, code: InviteCode) -> Result<Answer, Problem> {
    let done = call.app.commands.accept_invite(&call.context(), code).await?;
    let row = call.app.queries.conversation(call.caller.user, ConversationId(done.id), (call.app.clock)());
    call.shown::<Conversation, ConversationRow>(StatusCode::OK, &done.receipt, done.id, row).await
}
