//! Deletes a group that its last member has left.

use super::Reactor;
use crate::{CommandError, Commands};
use domain::ConversationId;
use event_store::RecordedEvent;

pub(super) async fn react(commands: &Commands, event: &RecordedEvent) -> Result<(), CommandError> {
    let record = &event.record;
    if !matches!(record.event_type.as_str(), "member.left" | "member.kicked") {
        return Ok(());
    }
    let ctx = Reactor::CloseEmptyConversations.context(commands, event);
    let conversation = ConversationId(record.aggregate_id);
    // Asked of the state as it is now: whoever leaves last finds it empty.
    if commands.conversation(conversation).await?.state.active().next().is_some() {
        return Ok(());
    }
    commands.close_if_empty(&ctx, conversation).await.map(|_| ())
}
