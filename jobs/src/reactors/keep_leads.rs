//! Keeps a lead who can act in every group that has a member who can.

use super::outcomes::{Outcomes, keyed};
use commands::{CommandError, Commands, Context};
use domain::{ConversationId, EventType};
use event_store::RecordedEvent;

/// After these, the leads of the account's groups may be unable to act, or the account may lead again.
pub(super) const OF_ACCOUNTS: &[&EventType] = &[
    EventType::named("account.deactivated"),
    EventType::named("account.blocked"),
    EventType::named("account.reactivated"),
    EventType::named("account.unblocked"),
];
/// The new member may be the only one who can act. `member.added` is no cause: its actor can.
pub(super) const OF_GROUPS: &[&EventType] = &[EventType::named("member.joined")];

pub(super) async fn react(commands: &Commands, ctx: Context, event: &RecordedEvent) -> Result<(), CommandError> {
    let record = &event.record;
    if record.is_of(OF_GROUPS) {
        return commands.settle_lead(&ctx, ConversationId(record.aggregate_id)).await;
    }
    if !record.is_of(OF_ACCOUNTS) {
        return Ok(());
    }
    let scopes = commands.store().intervals(record.aggregate_id).await?.into_iter();
    let mut outcomes = Outcomes::default();
    for scope in scopes.filter(|interval| interval.until.is_none()).map(|interval| interval.scope) {
        outcomes.add(commands.settle_lead(&keyed(&ctx, scope), ConversationId(scope)).await)?;
    }
    outcomes.result()
}
