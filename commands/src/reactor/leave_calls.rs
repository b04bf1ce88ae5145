//! Takes out of a call whoever is no longer in its conversation, or has blocked the other.

use super::Reactor;
use crate::{Actor, CallRef, Cause, CommandError, Commands};
use domain::{ConversationId, Event, conversation::ConversationEvent, friendship::FriendshipEvent};
use event_store::RecordedEvent;

/// Those after which somebody may have to leave a call: no other event is opened.
const CAUSES: [&str; 4] = ["member.left", "member.kicked", "conversation.deleted", "friend.blocked"];

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
        _ => return Ok(()),
    };
    match commands.drop_from_call(&ctx, CallRef::In(conversation), cause).await {
        // There is no call, or none that they are in.
        Ok(_) | Err(CommandError::Refused { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
