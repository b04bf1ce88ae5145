//! A person joins a group by an invite, or requests to.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Decided, Facts, UseCase, refused},
};
use domain::{
    ConversationId, UserId,
    conversation::{Conversation, ConversationCommand, ConversationError},
    friendship::{Friendship, FriendshipError},
    id::PairId,
    text::InviteCode,
    user::User,
};
use event_store::ClaimKind;
use serde::Serialize;

#[derive(Serialize)]
struct AcceptInvite {
    code: InviteCode,
}

impl UseCase for AcceptInvite {
    type Aggregate = Conversation;
    const NAME: &'static str = "invite.accept";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Conversation>, CommandError> {
        let user = facts.actor().await?;
        let (hash, invite) = facts.invite(&self.code);
        let owner = facts.store().claimed_by(ClaimKind::Invite, &hash).await?;
        let conversation = owner.map(ConversationId).ok_or_else(|| refused(ConversationError::InviteNotFound))?;
        let known = facts.get::<Conversation>(conversation).await?.state;
        let is_in = known.may_take_part(user).is_ok();
        if let Some(maker) = known.invites().get(invite).map(|invite| invite.by).filter(|_| !is_in) {
            may_come_by(facts, user, maker).await?;
            let leads: Vec<_> = known.leads().collect();
            if facts.has_block_with(user, &leads).await? {
                return Err(refused(ConversationError::InviteNotFound));
            }
        }
        let command = ConversationCommand::AcceptInvite { user, invite, now: facts.now() };
        facts.decide(conversation, command).await
    }
}

/// The invite does not exist for a person blocked by its maker, nor once the maker is gone.
async fn may_come_by(facts: &mut Facts<'_>, user: UserId, maker: UserId) -> Result<(), CommandError> {
    let account = facts.get::<User>(maker).await?.state;
    let pair = facts.get::<Friendship>(PairId::of(user, maker)).await?.state;
    match pair.may_approach(user, maker) {
        Err(FriendshipError::NotFound) => Err(refused(ConversationError::InviteNotFound)),
        _ if !account.exists() || account.may_act().is_err() => Err(refused(ConversationError::InviteNotFound)),
        verdict => verdict.map_err(refused),
    }
}

impl Commands {
    /// Joins a group by an invite, or requests to where a lead must approve and the invite is not a lead's. One of
    /// several concurrent commands gets the last use.
    ///
    /// # Errors
    /// [`CommandError`]; `invite_not_found` for any fault of the invite, and for a person removed by a lead or with a block between them
    /// and a lead;
    /// `TooOften`.
    pub async fn accept_invite(&self, ctx: &Context, code: InviteCode) -> Result<Done<Conversation>, CommandError> {
        self.act(ctx, &AcceptInvite { code }).await
    }
}
