//! Removes people from calls who left the conversation, blocked the other, or were stopped from acting: by an
//! administrator, or by deactivating their account.

use super::outcomes::{Outcomes, keyed};
use commands::{Actor, CallRef, Cause, CommandError, Commands, Context};
use domain::{
    CallId, ConversationId, Event, EventType, UserId, conversation::ConversationEvent, friendship::FriendshipEvent,
    user::UserEvent,
};
use event_store::{ClaimKind, RecordedEvent};

/// The payloads of other events are not opened.
pub(super) const CAUSES: &[&EventType] = &[
    EventType::named("member.left"),
    EventType::named("member.kicked"),
    EventType::named("conversation.deleted"),
    EventType::named("friend.blocked"),
    EventType::named("account.blocked"),
    EventType::named("account.deactivated"),
];

pub(super) async fn react(commands: &Commands, mut ctx: Context, event: &RecordedEvent) -> Result<(), CommandError> {
    if !event.record.is_of(CAUSES) {
        return Ok(());
    }
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
            return leave_all(commands, &ctx, UserId(event.record.aggregate_id)).await;
        }
        _ => return Ok(()),
    };
    drop_from(commands, &ctx, CallRef::In(conversation), cause).await
}

/// Removes a stopped person from the calls of all their conversations.
async fn leave_all(commands: &Commands, ctx: &Context, user: UserId) -> Result<(), CommandError> {
    let mut outcomes = Outcomes::default();
    let scopes = commands.store().intervals(user.0).await?.into_iter();
    for scope in scopes.filter(|interval| interval.until.is_none()).map(|interval| interval.scope) {
        let hash = commands.store().claim_hash(ClaimKind::ActiveCall, &scope.to_string());
        if let Some(call) = commands.store().claimed_by(ClaimKind::ActiveCall, &hash).await? {
            let ctx = keyed(ctx, call);
            outcomes.add(drop_from(commands, &ctx, CallRef::Call(CallId(call)), Cause::Stopped(user)).await)?;
        }
    }
    outcomes.result()
}

async fn drop_from(commands: &Commands, ctx: &Context, call: CallRef, cause: Cause) -> Result<(), CommandError> {
    match commands.drop_from_call(ctx, call, cause).await {
        // There is no call, or the person is not in it.
        Ok(_) | Err(CommandError::Refused { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
