//! Ends orphaned sessions, and removes erased people from groups, calls, friendships and requests.

use super::outcomes::{Outcomes, keyed};
use commands::{CallRef, Cause, CommandError, Commands, Context};
use domain::{
    AggregateType, ConversationId, Event, EventType, UserId, conversation::ConversationType, session::EndReason,
    user::UserEvent,
};
use event_store::{RecordedEvent, StreamId};

/// The payloads of other events are not opened.
pub(super) const CAUSES: &[&EventType] = &[
    EventType::named("account.password_changed"),
    EventType::named("account.deactivated"),
    EventType::named("account.erased"),
];

pub(super) async fn react(commands: &Commands, ctx: Context, event: &RecordedEvent) -> Result<(), CommandError> {
    let record = &event.record;
    if !record.is_of(CAUSES) {
        return Ok(());
    }
    let Event::User(changed) = commands.store().open_event(event).await? else { return Ok(()) };
    let user = UserId(record.aggregate_id);
    let (kept, reason) = match changed {
        UserEvent::PasswordChanged { kept } => (*kept, EndReason::PasswordChanged),
        UserEvent::Deactivated => (None, EndReason::Deactivated),
        UserEvent::Erased => (None, EndReason::Erased),
        _ => return Ok(()),
    };
    let mut outcomes = Outcomes::default();
    outcomes.add(commands.end_orphaned_sessions(&ctx, user, kept, record.position, reason).await)?;
    if matches!(changed, UserEvent::Erased) {
        for stream in commands.store().streams_involving(user.0).await? {
            let ctx = keyed(&ctx, stream.id);
            outcomes.add(match stream.aggregate {
                AggregateType::Conversation => leave(commands, &ctx, user, ConversationId(stream.id)).await,
                AggregateType::Friendship => part(commands, &ctx, user, stream).await,
                _ => Ok(()),
            })?;
        }
    }
    outcomes.result()
}

async fn leave(
    commands: &Commands,
    ctx: &Context,
    user: UserId,
    conversation: ConversationId,
) -> Result<(), CommandError> {
    let left = commands.leave_erased(ctx, user, conversation).await?;
    // For a group, the reactor `leave_calls` ends the participation in its call.
    if left.state.conversation_type() == ConversationType::Group {
        return Ok(());
    }
    let ctx = keyed(ctx, "call");
    match commands.drop_from_call(&ctx, CallRef::In(conversation), Cause::ConnectionLost(user)).await {
        // There is no call, or the person is not in it.
        Ok(_) | Err(CommandError::Refused { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

async fn part(commands: &Commands, ctx: &Context, user: UserId, pair: StreamId) -> Result<(), CommandError> {
    let first = commands.store().load_many(&[(pair, 1)]).await?;
    let Some(first) = first.first() else { return Ok(()) };
    let Event::Friendship(first) = commands.store().open_event(first).await? else { return Ok(()) };
    let (by, with) = first.pair();
    let other = if by == user { with } else { by };
    commands.part_erased(ctx, user, other).await.map(|_| ())
}
