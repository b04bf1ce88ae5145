//! Invites into groups.

use super::{Answer, Operation, Request, Route};
use async_trait::async_trait;
use axum::http::StatusCode;
use commands::InviteLimits;
use domain::{ConversationId, Timestamp, text::InviteCode};
use limits::Kind;
use projections::queries::ConversationRow;
use protocol::{
    Problem,
    request::{Faults, Parse},
    resource::{Conversation, Invite},
};
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

/// Makes an invite into a group.
pub struct CreateInvite;

#[async_trait]
impl Operation for CreateInvite {
    const NAME: &'static str = "invite.create";
    const SUMMARY: &'static str = "Makes an invite into a group. Any member may; where joining needs approval, a lead alone. It goes \
        with its maker.";
    const BUDGET: Kind = Kind::Invite;
    const ROUTE: Option<Route> =
        Some(Route::post("/conversations/{id}/invites", "createInvite", "invites").creates().may_lack_body());
    const ON_SOCKETS: bool = false;

    type Target = ConversationId;
    type Body = NewInvite;
    type Output = Invite;

    async fn run(
        conversation: ConversationId,
        NewInvite { expires_at, max_uses }: NewInvite,
        request: &Request<'_>,
    ) -> Result<Answer, Problem> {
        let limits = InviteLimits { expires_at, max_uses };
        let done = request.app.commands.create_invite(&request.context(), conversation, limits).await?;
        let made = done.state.invites().newest().and_then(|(_, invite)| Invite::of(conversation, invite));
        let made = made.ok_or_else(Problem::not_found)?;
        Answer::with(StatusCode::CREATED, &made, &done.receipt)
    }
}

/// Takes an invite back.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn revoke_invite(
    request: &Request<'_>,
    conversation: ConversationId,
    code: InviteCode,
) -> Result<Answer, Problem> {
    let done = request.app.commands.revoke_invite(&request.context(), conversation, code).await?;
    Ok(Answer::nothing(&done.receipt))
}

/// Comes into a group by an invite, or asks to.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn accept_invite(request: &Request<'_>, code: InviteCode) -> Result<Answer, Problem> {
    let done = request.app.commands.accept_invite(&request.context(), code).await?;
    let row = request.app.queries.conversation(request.caller.user, ConversationId(done.id), (request.app.clock)());
    request.shown::<Conversation, ConversationRow>(StatusCode::OK, &done.receipt, done.id, row).await
}
