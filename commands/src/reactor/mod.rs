//! Reactors: what must follow from an event. Checkpointed consumers that issue ordinary commands, keyed by the
//! reactor and the event's position, so that doing it twice has one effect.

mod checkpoints;
mod close_empty_conversations;
mod leave_calls;
mod post_call_messages;
mod run;
mod settle_accounts;

use crate::{CommandError, Commands, Context};
use event_store::RecordedEvent;

pub use checkpoints::Checkpoints;
pub use run::run;

/// The reactors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reactor {
    /// Deletes a group that its last member has left.
    CloseEmptyConversations,
    /// Takes out of a call whoever is no longer in its conversation, blocked the other, or was stopped from acting.
    LeaveCalls,
    /// Posts the message that records a call in its conversation.
    PostCallMessages,
    /// Ends sessions that began while their account was changed, hidden or erased; takes whoever was erased out of
    /// everything.
    SettleAccounts,
}

impl Reactor {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::CloseEmptyConversations, Self::LeaveCalls, Self::PostCallMessages, Self::SettleAccounts];

    /// The name in checkpoints and keys.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CloseEmptyConversations => "close_empty_conversations",
            Self::LeaveCalls => "leave_calls",
            Self::PostCallMessages => "post_call_messages",
            Self::SettleAccounts => "settle_accounts",
        }
    }

    /// Does what follows from `event`; doing it again changes nothing.
    ///
    /// # Errors
    /// [`CommandError`] of the command it issued.
    pub async fn react(self, commands: &Commands, event: &RecordedEvent) -> Result<(), CommandError> {
        match self {
            Self::CloseEmptyConversations => close_empty_conversations::react(commands, event).await,
            Self::LeaveCalls => leave_calls::react(commands, event).await,
            Self::PostCallMessages => post_call_messages::react(commands, event).await,
            Self::SettleAccounts => settle_accounts::react(commands, event).await,
        }
    }

    /// The context of the command that follows from `event`.
    fn context(self, commands: &Commands, event: &RecordedEvent) -> Context {
        let record = &event.record;
        Context {
            actor: None,
            key: Some(format!("{}:{}", self.name(), record.position)),
            correlation_id: record.origin.correlation_id.unwrap_or_else(|| commands.new_id()),
            causation_id: Some(record.position),
        }
    }
}
