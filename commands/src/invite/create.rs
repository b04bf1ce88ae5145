//! A member creates an invite into a group.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Decided, Facts, UseCase},
    invite::new_code,
};
use domain::{
    ConversationId, Timestamp,
    conversation::{Conversation, ConversationCommand, NewInvite},
    text::InviteCode,
};
use event_store::{Claim, ClaimChange, ClaimKind};
use serde::Serialize;
use std::num::NonZeroU32;

/// `None` is unlimited.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct InviteLimits {
    pub expires_at: Option<Timestamp>,
    pub max_uses: Option<NonZeroU32>,
}

#[derive(Serialize)]
struct CreateInvite {
    conversation: ConversationId,
    limits: InviteLimits,
    #[serde(skip)]
    code: InviteCode,
}

impl UseCase for CreateInvite {
    type Aggregate = Conversation;
    const NAME: &'static str = "conversation.invite";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Conversation>, CommandError> {
        let by = facts.actor().await?;
        let (hash, id) = facts.invite(&self.code);
        let InviteLimits { expires_at, max_uses } = self.limits;
        let invite = NewInvite { id, code: self.code.clone(), expires_at, max_uses };
        let command = ConversationCommand::CreateInvite { by, invite, now: facts.now() };
        let decided = facts.decide(self.conversation, command).await?;
        let owner = self.conversation.0;
        facts.claims.push(Claim { kind: ClaimKind::Invite, hash, change: ClaimChange::Take, owner });
        Ok(decided)
    }
}

impl Commands {
    /// Creates an invite into a group. Any member may, or only leads where joining needs approval. It is the
    /// [newest](domain::conversation::Invites::newest) invite of the returned state.
    ///
    /// # Errors
    /// [`CommandError`]; `too_many_invites`.
    pub async fn create_invite(
        &self,
        ctx: &Context,
        conversation: ConversationId,
        limits: InviteLimits,
    ) -> Result<Done<Conversation>, CommandError> {
        let request = CreateInvite { conversation, limits, code: new_code()? };
        self.check_text(ctx, &request, "", conversation.0).await?;
        self.act(ctx, &request).await
    }
}
