//! Reactors: what must follow from an event. Checkpointed consumers that issue ordinary commands, keyed by the
//! reactor and the event's position, so that doing it twice has one effect. What cannot be done is parked, and tried
//! again: nothing is skipped.

mod checkpoints;
mod close_empty_conversations;
mod keep_leads;
mod leave_calls;
mod parked;
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
    /// Has somebody lead a group whose leads cannot act any more.
    KeepLeads,
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
    pub const ALL: [Self; 5] = [
        Self::CloseEmptyConversations,
        Self::KeepLeads,
        Self::LeaveCalls,
        Self::PostCallMessages,
        Self::SettleAccounts,
    ];

    /// The name in checkpoints and keys.
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

    /// Does what follows from `event`; doing it again changes nothing.
    ///
    /// # Errors
    /// [`CommandError`] of the command it issued.
    pub async fn react(self, commands: &Commands, event: &RecordedEvent) -> Result<(), CommandError> {
        match self {
            Self::CloseEmptyConversations => close_empty_conversations::react(commands, event).await,
            Self::KeepLeads => keep_leads::react(commands, event).await,
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

/// What comes of several commands that do not depend on each other: all are tried, and the first failure is the answer.
#[derive(Default)]
struct Several(Option<CommandError>);

impl Several {
    /// Takes what came of one of them.
    ///
    /// # Errors
    /// A temporary failure: the others would meet it, too.
    fn took<T>(&mut self, done: Result<T, CommandError>) -> Result<(), CommandError> {
        match done {
            Err(error) if error.is_temporary() => return Err(error),
            Err(error) => drop(self.0.get_or_insert(error)),
            Ok(_) => (),
        }
        Ok(())
    }

    fn answer(self) -> Result<(), CommandError> {
        self.0.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_fails_does_not_keep_the_others_from_being_tried() {
        let mut several = Several::default();
        assert!(several.took(Err::<(), _>(CommandError::KeyReused)).is_ok());
        assert!(several.took(Ok(())).is_ok());
        assert!(several.took(Err::<(), _>(CommandError::Internal("later".to_owned()))).is_ok());
        assert!(matches!(several.took(Err::<(), _>(CommandError::Unavailable)), Err(CommandError::Unavailable)));
        assert!(matches!(several.answer(), Err(CommandError::KeyReused)));
        assert!(Several::default().answer().is_ok());
    }
}
