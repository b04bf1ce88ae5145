//! Every event of every aggregate, and the facts the log and the feeds need to know of one.

use crate::{
    AggregateType, Tier, UserId, administration::AdministrationEvent, audit::AuditEvent, call::CallEvent,
    conduct::ConductEvent, conversation::ConversationEvent, file::FileEvent, friendship::FriendshipEvent,
    message::MessageEvent, own_settings::OwnSettingsEvent, personal::PERSONAL, read_marker::ReadMarkerEvent,
    report::ReportEvent, session::SessionEvent, story::StoryEvent, user::UserEvent,
};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// An event of any aggregate.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Event {
    /// Of an account.
    User(UserEvent),
    /// Of a signed-in device.
    Session(SessionEvent),
    /// Of two people.
    Friendship(FriendshipEvent),
    /// Of a conversation.
    Conversation(ConversationEvent),
    /// Of a message.
    Message(MessageEvent),
    /// Of a read marker.
    ReadMarker(ReadMarkerEvent),
    /// Of a call.
    Call(CallEvent),
    /// Of how a user keeps a conversation.
    OwnSettings(OwnSettingsEvent),
    /// Of a file.
    File(FileEvent),
    /// Of how an account behaves.
    Conduct(ConductEvent),
    /// Of a story.
    Story(StoryEvent),
    /// Of a report.
    Report(ReportEvent),
    /// Of an act of administration.
    Administration(AdministrationEvent),
    /// Of a reading of the audit log.
    Audit(AuditEvent),
}

/// What an event does to the feed of somebody it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// From this event on, it included, they receive the events of the scope.
    Enters,
    /// This event is the last they receive of the scope.
    Leaves,
    /// They receive this event, and nothing else changes.
    Told,
}

/// Somebody an event is about: they receive it whether or not they receive its scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// Who.
    pub user: UserId,
    /// What it does to their feed.
    pub presence: Presence,
}

impl About {
    /// `user` receives the event and nothing else changes.
    #[must_use]
    pub const fn told(user: UserId) -> Self {
        Self { user, presence: Presence::Told }
    }
    /// `user` receives the scope's events from this one on.
    #[must_use]
    pub const fn enters(user: UserId) -> Self {
        Self { user, presence: Presence::Enters }
    }
    /// `user` receives none of the scope's events after this one.
    #[must_use]
    pub const fn leaves(user: UserId) -> Self {
        Self { user, presence: Presence::Leaves }
    }
}

/// What the log must know of an event's kind; the same for every event of that kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The stored and pushed name, such as `message.sent`.
    pub name: &'static str,
    /// The version that is written today.
    pub version: u16,
    /// How urgent it is.
    pub tier: Tier,
}

/// A stored event that this build cannot read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// No such event type, or a version newer than this build.
    #[error("no event {event_type} of version {version} is known")]
    Unknown {
        /// The stored type.
        event_type: String,
        /// The stored version.
        version: u16,
    },
    /// The payload is not of the type's shape.
    #[error("the payload of {event_type} does not have its shape: {source}")]
    Shape {
        /// The stored type.
        event_type: String,
        /// What serde says.
        source: serde_json::Error,
    },
}

macro_rules! each {
    ($self:ident, $event:ident => $body:expr) => {
        match $self {
            Event::User($event) => $body,
            Event::Session($event) => $body,
            Event::Friendship($event) => $body,
            Event::Conversation($event) => $body,
            Event::Message($event) => $body,
            Event::ReadMarker($event) => $body,
            Event::Call($event) => $body,
            Event::OwnSettings($event) => $body,
            Event::File($event) => $body,
            Event::Conduct($event) => $body,
            Event::Story($event) => $body,
            Event::Report($event) => $body,
            Event::Administration($event) => $body,
            Event::Audit($event) => $body,
        }
    };
}

impl Event {
    /// Which aggregate it belongs to.
    #[must_use]
    pub const fn aggregate_type(&self) -> AggregateType {
        match self {
            Self::User(_) => AggregateType::User,
            Self::Session(_) => AggregateType::Session,
            Self::Friendship(_) => AggregateType::Friendship,
            Self::Conversation(_) => AggregateType::Conversation,
            Self::Message(_) => AggregateType::Message,
            Self::ReadMarker(_) => AggregateType::ReadMarker,
            Self::Call(_) => AggregateType::Call,
            Self::OwnSettings(_) => AggregateType::OwnSettings,
            Self::File(_) => AggregateType::File,
            Self::Conduct(_) => AggregateType::Conduct,
            Self::Story(_) => AggregateType::Story,
            Self::Report(_) => AggregateType::Report,
            Self::Administration(_) => AggregateType::Administration,
            Self::Audit(_) => AggregateType::Audit,
        }
    }

    /// Name, version and tier.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        each!(self, event => event.kind())
    }

    /// What the event belongs to for ordering and delivery: the conversation; else the pair; else the user.
    /// `stream` is the id of the aggregate's stream.
    #[must_use]
    pub fn scope(&self, stream: Uuid) -> Uuid {
        each!(self, event => event.scope(stream))
    }

    /// Whether everybody who receives the scope receives the event.
    #[must_use]
    pub const fn is_scope_wide(&self) -> bool {
        each!(self, event => event.is_scope_wide())
    }

    /// Who receives it besides (or instead of) those who receive the scope.
    #[must_use]
    pub fn about(&self, stream: Uuid) -> Vec<About> {
        each!(self, event => event.about(stream))
    }

    /// Whether it counts as a message of its scope, that is, raises `scope_seq`.
    #[must_use]
    pub const fn counts(&self) -> bool {
        matches!(self, Self::Message(MessageEvent::Sent { .. }))
    }

    /// Reads a stored payload of any version that was ever written.
    ///
    /// # Errors
    /// [`DecodeError`] when this build does not know the type or version, or the payload has another shape.
    pub fn decode(event_type: &str, version: u16, mut payload: Value) -> Result<Self, DecodeError> {
        upcast(event_type, version, &mut payload);
        let family = event_type.split_once('.').map_or(event_type, |(family, _)| family);
        let decoded = match family {
            "account" => serde_json::from_value(payload).map(Self::User),
            "session" => serde_json::from_value(payload).map(Self::Session),
            "friend" => serde_json::from_value(payload).map(Self::Friendship),
            "conversation" | "member" => serde_json::from_value(payload).map(Self::Conversation),
            "message" => serde_json::from_value(payload).map(Self::Message),
            "receipt" => serde_json::from_value(payload).map(Self::ReadMarker),
            "call" => serde_json::from_value(payload).map(Self::Call),
            "own_settings" => serde_json::from_value(payload).map(Self::OwnSettings),
            "file" => serde_json::from_value(payload).map(Self::File),
            "conduct" => serde_json::from_value(payload).map(Self::Conduct),
            "story" => serde_json::from_value(payload).map(Self::Story),
            "report" => serde_json::from_value(payload).map(Self::Report),
            "administration" => serde_json::from_value(payload).map(Self::Administration),
            "audit" => serde_json::from_value(payload).map(Self::Audit),
            _ => return Err(DecodeError::Unknown { event_type: event_type.to_owned(), version }),
        };
        let event = decoded.map_err(|source| DecodeError::Shape { event_type: event_type.to_owned(), source })?;
        if version == 0 || version > event.kind().version || event.kind().name != event_type {
            return Err(DecodeError::Unknown { event_type: event_type.to_owned(), version });
        }
        Ok(event)
    }
}

/// Brings an older payload to today's shape, one version at a time.
fn upcast(event_type: &str, version: u16, payload: &mut Value) {
    if event_type == "conversation.created"
        && version == 1
        && let Value::Object(fields) = payload
    {
        // Version 1 knew no approval: anybody could join.
        fields.insert("approval".to_owned(), Value::Bool(false));
    }
    if matches!(event_type, "message.reacted" | "message.unreacted")
        && version == 1
        && let Value::Object(fields) = payload
        && let (Some(user), Some(emoji)) = (fields.get("user").cloned(), fields.remove("emoji"))
    {
        // Version 1 had the emoji in the clear.
        fields.insert("emoji".to_owned(), json!({ PERSONAL: user, "value": emoji }));
    }
}

macro_rules! belongs {
    ($($event:ident => $arm:ident),*) => {$(
        impl From<$event> for Event {
            fn from(event: $event) -> Self {
                Self::$arm(event)
            }
        }
        impl TryFrom<Event> for $event {
            type Error = Event;
            fn try_from(event: Event) -> Result<Self, Event> {
                match event {
                    Event::$arm(event) => Ok(event),
                    other => Err(other),
                }
            }
        }
        impl cqrs_es::DomainEvent for $event {
            fn event_type(&self) -> String {
                self.kind().name.to_owned()
            }
            fn event_version(&self) -> String {
                self.kind().version.to_string()
            }
        }
    )*};
}

belongs!(
    UserEvent => User,
    SessionEvent => Session,
    FriendshipEvent => Friendship,
    ConversationEvent => Conversation,
    MessageEvent => Message,
    ReadMarkerEvent => ReadMarker,
    CallEvent => Call,
    OwnSettingsEvent => OwnSettings,
    FileEvent => File,
    ConductEvent => Conduct,
    StoryEvent => Story,
    ReportEvent => Report,
    AdministrationEvent => Administration,
    AuditEvent => Audit
);

/// Shorthand for the tables of kinds in each aggregate's `event.rs`.
pub(crate) const fn kind(name: &'static str, version: u16, tier: Tier) -> Kind {
    Kind { name, version, tier }
}
