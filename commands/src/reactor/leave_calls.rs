//! Takes out of a call whoever is no longer in its conversation, has blocked the other, or was stopped from acting: by an
//! administrator, or by putting their account away.

use super::{Reactor, Several};
use crate::{Actor, CallRef, Cause, CommandError, Commands, Context};
use domain::{
    CallId, ConversationId, Event, UserId, conversation::ConversationEvent, friendship::FriendshipEvent,
    user::UserEvent,
};
use event_store::{ClaimKind, RecordedEvent};

/// Those after which somebody may have to leave a call: no other event is opened.
const CAUSES: [&str; 6] = [
    "member.left",
    "member.kicked",
    "conversation.deleted",
    "friend.blocked",
    "account.blocked",
    "account.deactivated",
];

pub(super) async fn react(commands: &Commands, event: &RecordedEvent) -> Result<(), CommandError> {
    if !CAUSES.contains(&event.record.event_type.as_str()) {
        return Ok(());
    }
    let mut ctx = Reactor::LeaveCalls.context(commands, event);
    let stream = ConversationId(event.record.aggregate_id);
    let (conversation, cause) = match commands.store().open_event(event).await? {
        Event::Conversation(ConversationEvent::MemberLeft { user } | ConversationEvent::MemberKicked { user, .. }) => {
            (stream, Cause::Removed(*user))
        }
        Event::Conversation(ConversationEvent::Deleted { .. }) => (stream, Cause::ConversationOver),
        Event::Friendship(FriendshipEvent::Blocked { by, with }) => {
            ctx.actor = Some(Actor { user: *by, session: None });
            (ConversationId::direct(*by, *with), Cause::Blocked(*by))
        }
        Event::User(UserEvent::Blocked | UserEvent::Deactivated) => {
            return stop(commands, ctx, UserId(event.record.aggregate_id)).await;
        }
        _ => return Ok(()),
    };
    drop_from(commands, &ctx, CallRef::In(conversation), cause).await
}

/// Takes whoever was stopped from acting out of the calls of all their conversations.
async fn stop(commands: &Commands, ctx: Context, user: UserId) -> Result<(), CommandError> {
    let mut several = Several::default();
    let scopes = commands.store().intervals(user.0).await?.into_iter();
    for scope in scopes.filter(|interval| interval.until.is_none()).map(|interval| interval.scope) {
        let hash = commands.store().claim_hash(ClaimKind::ActiveCall, &scope.to_string());
        if let Some(call) = commands.store().claimed_by(ClaimKind::ActiveCall, &hash).await? {
            let key = ctx.key.as_ref().map(|key| format!("{key}:{call}"));
            let ctx = Context { key, ..ctx.clone() };
            several.took(drop_from(commands, &ctx, CallRef::Call(CallId(call)), Cause::Stopped(user)).await)?;
        }
    }
    several.answer()
}

async fn drop_from(commands: &Commands, ctx: &Context, call: CallRef, cause: Cause) -> Result<(), CommandError> {
    match commands.drop_from_call(ctx, call, cause).await {
        // There is no call, or none that they are in.
        Ok(_) | Err(CommandError::Refused { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
