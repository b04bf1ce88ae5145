//! Has somebody lead a group whose leads cannot act any more, or in which somebody can act again.

use super::{Reactor, Several};
use crate::{CommandError, Commands, Context};
use domain::ConversationId;
use event_store::RecordedEvent;
use uuid::Uuid;

/// Those after which the leads of somebody's groups may not be able to act, or they themselves are again.
const OF_ACCOUNTS: [&str; 4] = ["account.deactivated", "account.blocked", "account.reactivated", "account.unblocked"];
/// Somebody comes who can act, perhaps the only one. Whoever is added was added by somebody who can.
const OF_GROUPS: [&str; 1] = ["member.joined"];

pub(super) async fn react(commands: &Commands, event: &RecordedEvent) -> Result<(), CommandError> {
    let record = &event.record;
    let name = record.event_type.as_str();
    let ctx = Reactor::KeepLeads.context(commands, event);
    if OF_GROUPS.contains(&name) {
        return commands.settle_lead(&ctx, ConversationId(record.aggregate_id)).await;
    }
    if !OF_ACCOUNTS.contains(&name) {
        return Ok(());
    }
    let scopes = commands.store().intervals(record.aggregate_id).await?.into_iter();
    let mut groups = Several::default();
    for scope in scopes.filter(|interval| interval.until.is_none()).map(|interval| interval.scope) {
        groups.took(commands.settle_lead(&for_scope(&ctx, scope), ConversationId(scope)).await)?;
    }
    groups.answer()
}

/// One account's change concerns many groups: each has a key of its own.
fn for_scope(ctx: &Context, scope: Uuid) -> Context {
    Context { key: ctx.key.as_ref().map(|key| format!("{key}:{scope}")), ..ctx.clone() }
}
