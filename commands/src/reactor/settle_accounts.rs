//! Ends the sessions that began while others of the same person were ended, and takes whoever was erased out of
//! groups, calls, friendships and requests.

use super::{Reactor, Several};
use crate::{CallRef, Cause, CommandError, Commands, Context};
use domain::{
    AggregateType, ConversationId, Event, UserId, conversation::ConversationType, session::EndReason, user::UserEvent,
};
use event_store::{RecordedEvent, StreamId};

/// Those after which something is to be done: no other event is opened.
const CAUSES: [&str; 3] = ["account.password_changed", "account.deactivated", "account.erased"];

pub(super) async fn react(commands: &Commands, event: &RecordedEvent) -> Result<(), CommandError> {
    let record = &event.record;
    if !CAUSES.contains(&record.event_type.as_str()) {
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
    let ctx = Reactor::SettleAccounts.context(commands, event);
    let mut several = Several::default();
    several.took(commands.end_strays(&ctx, user, kept, record.position, reason).await)?;
    if matches!(changed, UserEvent::Erased) {
        for stream in commands.store().dealings(user.0).await? {
            let key = ctx.key.as_ref().map(|key| format!("{key}:{}", stream.id));
            let ctx = Context { key, ..ctx.clone() };
            several.took(match stream.aggregate {
                AggregateType::Conversation => leave(commands, &ctx, user, ConversationId(stream.id)).await,
                AggregateType::Friendship => part(commands, &ctx, user, stream).await,
                _ => Ok(()),
            })?;
        }
    }
    several.answer()
}

async fn leave(
    commands: &Commands,
    ctx: &Context,
    user: UserId,
    conversation: ConversationId,
) -> Result<(), CommandError> {
    let left = commands.leave_erased(ctx, user, conversation).await?;
    // Whoever leaves a group leaves its call by another reactor.
    if left.state.conversation_type() == ConversationType::Group {
        return Ok(());
    }
    let key = ctx.key.as_ref().map(|key| format!("{key}:call"));
    let ctx = Context { key, ..ctx.clone() };
    match commands.drop_from_call(&ctx, CallRef::In(conversation), Cause::ConnectionLost(user)).await {
        // There is no call, or none that they are in.
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
