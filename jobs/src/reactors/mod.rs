//! Reactors: checkpointed consumers that issue the commands that follow from an event. A command is keyed by the
//! reactor and the event's position, so that a repetition has one effect. A failed reaction is parked and retried; none
//! is skipped.

mod checkpoints;
mod close_empty_conversations;
mod follow;
mod keep_leads;
mod leave_calls;
mod outcomes;
mod parked;
mod post_call_messages;
mod react;
mod settle_accounts;

use commands::{CommandError, Commands, Context};
use event_store::{Record, RecordedEvent};

pub use checkpoints::Checkpoints;
pub use react::React;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reactor {
    /// Deletes a group that its last member has left.
    CloseEmptyConversations,
    /// Promotes a member of a group whose leads cannot act any more.
    KeepLeads,
    /// Removes people from calls who left the conversation, blocked the other, or were stopped from acting.
    LeaveCalls,
    /// Posts the message that records a call in its conversation.
    PostCallMessages,
    /// Ends orphaned sessions; removes erased people from groups, calls and friendships.
    SettleAccounts,
}

impl Reactor {
    pub const ALL: [Self; 5] = [
        Self::CloseEmptyConversations,
        Self::KeepLeads,
        Self::LeaveCalls,
        Self::PostCallMessages,
        Self::SettleAccounts,
    ];

    /// The stored name in checkpoints and keys.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CloseEmptyConversations => "close_empty_conversations",
            Self::KeepLeads => "keep_leads",
            Self::LeaveCalls => "leave_calls",
            Self::PostCallMessages => "post_call_messages",
            Self::SettleAccounts => "settle_accounts",
        }
    }

    /// Whether an event may be a cause for this reactor. It passes the others too, though a little later.
    pub(crate) fn wakes(self) -> fn(&Record) -> bool {
        match self {
            Self::CloseEmptyConversations => |record| record.is_of(close_empty_conversations::CAUSES),
            Self::KeepLeads => |record| record.is_of(keep_leads::OF_ACCOUNTS) || record.is_of(keep_leads::OF_GROUPS),
            Self::LeaveCalls => |record| record.is_of(leave_calls::CAUSES),
            Self::PostCallMessages => |record| record.is_of(post_call_messages::CAUSES),
            Self::SettleAccounts => |record| record.is_of(settle_accounts::CAUSES),
        }
    }

    /// Issues the commands that follow from `event`; a repetition changes nothing.
    ///
    /// # Errors
    /// [`CommandError`] of the command it issued.
    pub async fn react(self, commands: &Commands, event: &RecordedEvent) -> Result<(), CommandError> {
        let record = &event.record;
        let ctx = Context {
            actor: None,
            key: Some(format!("{}:{}", self.name(), record.position)),
            correlation_id: record.origin.correlation_id.unwrap_or_else(|| commands.new_id()),
            causation_id: Some(record.position),
        };
        match self {
            Self::CloseEmptyConversations => close_empty_conversations::react(commands, ctx, event).await,
            Self::KeepLeads => keep_leads::react(commands, ctx, event).await,
            Self::LeaveCalls => leave_calls::react(commands, ctx, event).await,
            Self::PostCallMessages => post_call_messages::react(commands, ctx, event).await,
            Self::SettleAccounts => settle_accounts::react(commands, ctx, event).await,
        }
    }
}
