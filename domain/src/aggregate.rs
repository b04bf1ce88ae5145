//! What an aggregate is here: `cqrs-es`'s trait with a synchronous decision in front of it.

use crate::{Event, Refusal};
use std::fmt;

/// A consistency boundary: a state folded from one stream, and the decisions over it.
///
/// `cqrs_es::Aggregate::apply` folds; [`Aggregate::decide`] decides. The async `handle` that `cqrs-es`
/// asks for is [`handle_by_deciding!`](crate::handle_by_deciding) in every aggregate.
pub trait Aggregate: cqrs_es::Aggregate<Services = (), Event: Into<Event> + TryFrom<Event>, Error: Refusal> {
    /// Which aggregate this is.
    const AGGREGATE: AggregateType;

    /// Decides what follows from `command` in this state: events (none when nothing changes), or a refusal.
    ///
    /// # Errors
    /// The aggregate's typed refusal.
    fn decide(&self, command: Self::Command) -> Result<Vec<Self::Event>, Self::Error>;
}

/// The aggregates, as named in stored streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AggregateType {
    /// An account.
    User,
    /// A signed-in device.
    Session,
    /// Two people: friendship and blocks.
    Friendship,
    /// A direct or group conversation.
    Conversation,
    /// One message.
    Message,
    /// What one user has read of one conversation.
    ReadMarker,
    /// One call in a conversation.
    Call,
    /// How one user keeps one conversation.
    OwnSettings,
    /// An uploaded file.
    File,
    /// What was made of how an account behaves.
    Conduct,
    /// One story.
    Story,
    /// One report to the moderators.
    Report,
    /// One act of an administrator on the server itself.
    Administration,
    /// One reading of the audit log.
    Audit,
}

impl AggregateType {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::User,
        Self::Session,
        Self::Friendship,
        Self::Conversation,
        Self::Message,
        Self::ReadMarker,
        Self::Call,
        Self::OwnSettings,
        Self::File,
        Self::Conduct,
        Self::Story,
        Self::Report,
        Self::Administration,
        Self::Audit,
    ];

    /// The stored name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Session => "session",
            Self::Friendship => "friendship",
            Self::Conversation => "conversation",
            Self::Message => "message",
            Self::ReadMarker => "read_marker",
            Self::Call => "call",
            Self::OwnSettings => "own_settings",
            Self::File => "file",
            Self::Conduct => "conduct",
            Self::Story => "story",
            Self::Report => "report",
            Self::Administration => "administration",
            Self::Audit => "audit",
        }
    }

    /// The aggregate of a stored name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|aggregate| aggregate.as_str() == name)
    }
}

impl fmt::Display for AggregateType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The body of `cqrs_es::Aggregate::handle` for an aggregate that [decides](Aggregate::decide).
#[macro_export]
macro_rules! handle_by_deciding {
    () => {
        async fn handle(
            &mut self,
            command: Self::Command,
            (): &(),
            sink: &::cqrs_es::event_sink::EventSink<Self>,
        ) -> Result<(), Self::Error> {
            for event in $crate::Aggregate::decide(self, command)? {
                sink.write(event, self).await;
            }
            Ok(())
        }
    };
}
