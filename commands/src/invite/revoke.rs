//! A member revokes an invite.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Decided, Facts, UseCase},
};
use domain::{
    ConversationId,
    conversation::{Conversation, ConversationCommand},
    text::InviteCode,
};
use event_store::{Claim, ClaimChange, ClaimKind};
use serde::Serialize;

#[derive(Serialize)]
struct RevokeInvite {
    conversation: ConversationId,
    code: InviteCode,
}

impl UseCase for RevokeInvite {
    type Aggregate = Conversation;
    const NAME: &'static str = "conversation.revoke_invite";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Conversation>, CommandError> {
        let by = facts.actor().await?;
        let (hash, invite) = facts.invite(&self.code);
        let decided = facts.decide(self.conversation, ConversationCommand::RevokeInvite { by, invite }).await?;
        let owner = self.conversation.0;
        facts.claims.push(Claim { kind: ClaimKind::Invite, hash, change: ClaimChange::Release, owner });
        Ok(decided)
    }
}

impl Commands {
    /// Revokes an invite; for its maker and leads.
    ///
    /// # Errors
    /// [`CommandError`]; `invite_not_found`.
    pub async fn revoke_invite(
        &self,
        ctx: &Context,
        conversation: ConversationId,
        code: InviteCode,
    ) -> Result<Done<Conversation>, CommandError> {
        self.act(ctx, &RevokeInvite { conversation, code }).await
    }
}
