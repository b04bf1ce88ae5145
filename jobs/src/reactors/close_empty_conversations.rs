//! Deletes a group that its last member has left.

use commands::{CommandError, Commands, Context};
use domain::{ConversationId, EventType};
use event_store::RecordedEvent;

pub(super) const CAUSES: &[&EventType] = &[EventType::named("member.left"), EventType::named("member.kicked")];

pub(super) async fn react(commands: &Commands, ctx: Context, event: &RecordedEvent) -> Result<(), CommandError> {
    let record = &event.record;
    if !record.is_of(CAUSES) {
        return Ok(());
    }
    let conversation = ConversationId(record.aggregate_id);
    // The current state decides: after the last departure the group is empty.
    if commands.conversation(conversation).await?.state.active().next().is_some() {
        return Ok(());
    }
    commands.close_if_empty(&ctx, conversation).await.map(|_| ())
}
