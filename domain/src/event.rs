//! The events of all aggregates, and their properties for the log and the feeds.

use crate::{
    UserId, administration::AdministrationEvent, audit::AuditEvent, call::CallEvent, catalogue::EventType,
    conduct::ConductEvent, conversation::ConversationEvent, file::FileEvent, friendship::FriendshipEvent,
    message::MessageEvent, own_settings::OwnSettingsEvent, read_marker::ReadMarkerEvent, report::ReportEvent,
    session::SessionEvent, story::StoryEvent, user::UserEvent,
};
use serde::Serialize;
use serde_json::Value;
use std::fmt;
use uuid::Uuid;

/// The effect of an event on a recipient's interval in the scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AudienceChange {
    /// The recipient's interval begins with this event.
    Join,
    /// The recipient's interval ends with this event.
    Leave,
    /// The recipient receives this event; the interval does not change.
    None,
}

/// A person an event concerns directly, in addition to its scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the other fields say what they hold")]
pub struct Recipient {
    pub user: UserId,
    /// The effect on their interval.
    pub change: AudienceChange,
}

impl Recipient {
    /// `user` receives the event only.
    #[must_use]
    pub const fn only(user: UserId) -> Self {
        Self { user, change: AudienceChange::None }
    }
    /// The interval of `user` begins.
    #[must_use]
    pub const fn join(user: UserId) -> Self {
        Self { user, change: AudienceChange::Join }
    }
    /// The interval of `user` ends.
    #[must_use]
    pub const fn leave(user: UserId) -> Self {
        Self { user, change: AudienceChange::Leave }
    }
}

/// A stored event that this build cannot read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// An unknown event type, or a version newer than this build's.
    #[error("no event {event_type} of version {version} is known")]
    Unknown {
        /// The stored type.
        event_type: String,
        /// The stored version.
        version: u16,
    },
    /// The payload does not have the type's shape.
    #[error("the payload of {event_type} (version {version}) does not have its shape: {source}")]
    Shape {
        /// The stored type.
        event_type: String,
        /// The stored version.
        version: u16,
        /// The cause.
        source: serde_json::Error,
    },
}

/// Declares the aggregates with their stored names and events.
macro_rules! aggregates {
    ($($(#[$of:meta])* $Aggregate:ident => $name:literal $Event:ident),+ $(,)?) => {
        /// The aggregates, as named in stored streams.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum AggregateType {
            $($(#[$of])* $Aggregate),+
        }

        impl AggregateType {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$Aggregate),+];

            /// The stored name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$Aggregate => $name),+
                }
            }
        }

        /// An event of any aggregate.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[serde(untagged)]
        pub enum Event {
            $($(#[$of])* $Aggregate($Event)),+
        }

        /// The event types of each aggregate.
        pub(crate) const CATALOGUE: &[&[EventType]] = &[$($Event::TYPES),+];

        impl Event {
            /// The aggregate it belongs to.
            #[must_use]
            pub const fn aggregate_type(&self) -> AggregateType {
                match self {
                    $(Self::$Aggregate(_) => AggregateType::$Aggregate),+
                }
            }

            /// Its type, as the catalogue declares it.
            #[must_use]
            pub const fn event_type(&self) -> &'static EventType {
                match self {
                    $(Self::$Aggregate(event) => event.event_type()),+
                }
            }

            /// Its scope, for ordering and delivery: the conversation, else the pair, else the user.
            /// `stream` is the id of the aggregate's stream.
            #[must_use]
            pub fn scope(&self, stream: Uuid) -> Uuid {
                match self {
                    $(Self::$Aggregate(event) => event.scope(stream)),+
                }
            }

            /// Its recipients, in addition to or instead of the scope's audience.
            #[must_use]
            pub fn recipients(&self, stream: Uuid) -> Vec<Recipient> {
                match self {
                    $(Self::$Aggregate(event) => event.recipients(stream)),+
                }
            }

            fn of(aggregate: AggregateType, payload: Value) -> serde_json::Result<Self> {
                match aggregate {
                    $(AggregateType::$Aggregate => serde_json::from_value(payload).map(Self::$Aggregate)),+
                }
            }
        }

        $(
            impl From<$Event> for Event {
                fn from(event: $Event) -> Self {
                    Self::$Aggregate(event)
                }
            }

            impl TryFrom<Event> for $Event {
                type Error = Event;
                fn try_from(event: Event) -> Result<Self, Event> {
                    match event {
                        Event::$Aggregate(event) => Ok(event),
                        other => Err(other),
                    }
                }
            }

            impl cqrs_es::DomainEvent for $Event {
                fn event_type(&self) -> String {
                    self.event_type().name.to_owned()
                }
                fn event_version(&self) -> String {
                    self.event_type().version.to_string()
                }
            }
        )+
    };
}

aggregates! {
    /// An account.
    User => "user" UserEvent,
    /// A signed-in device.
    Session => "session" SessionEvent,
    /// Two people: friendship and blocks.
    Friendship => "friendship" FriendshipEvent,
    /// A direct or group conversation.
    Conversation => "conversation" ConversationEvent,
    /// One message.
    Message => "message" MessageEvent,
    /// The read marker of one user in one conversation.
    ReadMarker => "read_marker" ReadMarkerEvent,
    /// One call in a conversation.
    Call => "call" CallEvent,
    /// The settings of one user for one conversation.
    OwnSettings => "own_settings" OwnSettingsEvent,
    /// An uploaded file.
    File => "file" FileEvent,
    /// The spam verdicts on an account.
    Conduct => "conduct" ConductEvent,
    /// One story.
    Story => "story" StoryEvent,
    /// One report to the moderators.
    Report => "report" ReportEvent,
    /// One act of an administrator on the server itself.
    Administration => "administration" AdministrationEvent,
    /// One reading of the audit log.
    Audit => "audit" AuditEvent,
}

impl AggregateType {
    /// The aggregate of a stored name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|aggregate| aggregate.as_str() == name)
    }
}

impl fmt::Display for AggregateType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Event {
    /// True if everybody who receives the scope receives the event.
    #[must_use]
    pub const fn is_scope_wide(&self) -> bool {
        self.event_type().is_scope_wide()
    }

    /// Decodes a stored payload of any version.
    ///
    /// # Errors
    /// [`DecodeError`] when this build does not know the type or version, or the payload has another shape.
    pub fn decode(event_type: &str, version: u16, mut payload: Value) -> Result<Self, DecodeError> {
        let unknown = || DecodeError::Unknown { event_type: event_type.to_owned(), version };
        let known = EventType::find(event_type).filter(|known| (1..=known.version).contains(&version));
        let known = known.ok_or_else(unknown)?;
        known.upcast_from(version, &mut payload);
        let shape = |source| DecodeError::Shape { event_type: event_type.to_owned(), version, source };
        let event = Self::of(known.aggregate, payload).map_err(shape)?;
        if event.event_type().name == known.name { Ok(event) } else { Err(unknown()) }
    }

    /// True if this build knows the event type in any version.
    #[must_use]
    pub fn knows(event_type: &str) -> bool {
        EventType::find(event_type).is_some()
    }
}
