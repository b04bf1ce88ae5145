//! Every event of every aggregate, and the facts the log and the feeds need to know of one.

use crate::{
    AggregateType, Tier, UserId, administration::AdministrationEvent, audit::AuditEvent, call::CallEvent,
    conduct::ConductEvent, conversation::ConversationEvent, file::FileEvent, friendship::FriendshipEvent,
    message::MessageEvent, own_settings::OwnSettingsEvent, personal::PERSONAL, read_marker::ReadMarkerEvent,
    report::ReportEvent, session::SessionEvent, story::StoryEvent, user::UserEvent,
};
use serde::{Deserialize as _, Deserializer, Serialize, de::value::MapDeserializer};
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
    /// The payload is not of the type's shape as this build knows it.
    #[error("the payload of {event_type} (version {version}) does not have its shape: {source}")]
    Shape {
        /// The stored type.
        event_type: String,
        /// The stored version.
        version: u16,
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
        let unknown = || DecodeError::Unknown { event_type: event_type.to_owned(), version };
        upcast(event_type, version, &mut payload);
        match of_family(event_type, payload) {
            Some(Ok(event)) => {
                let kind = event.kind();
                let is_known = version != 0 && version <= kind.version && kind.name == event_type;
                if is_known { Ok(event) } else { Err(unknown()) }
            }
            Some(Err(source)) if Self::knows(event_type) => {
                Err(DecodeError::Shape { event_type: event_type.to_owned(), version, source })
            }
            Some(Err(_)) | None => Err(unknown()),
        }
    }

    /// Whether this build knows the event type, in whatever version: a newer one may write others.
    #[must_use]
    pub fn knows(event_type: &str) -> bool {
        let name = MapDeserializer::new(std::iter::once(("type", event_type)));
        !matches!(of_family(event_type, name), Some(Err(Probe::UnknownVariant)) | None)
    }
}

/// Reads an event of the aggregate whose family the type names; `None` when there is no such family.
fn of_family<'de, D: Deserializer<'de>>(event_type: &str, payload: D) -> Option<Result<Event, D::Error>> {
    let family = event_type.split_once('.').map_or(event_type, |(family, _)| family);
    Some(match family {
        "account" => UserEvent::deserialize(payload).map(Event::User),
        "session" => SessionEvent::deserialize(payload).map(Event::Session),
        "friend" => FriendshipEvent::deserialize(payload).map(Event::Friendship),
        "conversation" | "member" => ConversationEvent::deserialize(payload).map(Event::Conversation),
        "message" => MessageEvent::deserialize(payload).map(Event::Message),
        "receipt" => ReadMarkerEvent::deserialize(payload).map(Event::ReadMarker),
        "call" => CallEvent::deserialize(payload).map(Event::Call),
        "own_settings" => OwnSettingsEvent::deserialize(payload).map(Event::OwnSettings),
        "file" => FileEvent::deserialize(payload).map(Event::File),
        "conduct" => ConductEvent::deserialize(payload).map(Event::Conduct),
        "story" => StoryEvent::deserialize(payload).map(Event::Story),
        "report" => ReportEvent::deserialize(payload).map(Event::Report),
        "administration" => AdministrationEvent::deserialize(payload).map(Event::Administration),
        "audit" => AuditEvent::deserialize(payload).map(Event::Audit),
        _ => return None,
    })
}

/// Why a payload that consists of a type alone was not read: that the type is unknown is all that is asked.
#[derive(Debug)]
enum Probe {
    UnknownVariant,
    Other,
}

impl std::fmt::Display for Probe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

impl std::error::Error for Probe {}

impl serde::de::Error for Probe {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Self::Other
    }

    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Self::UnknownVariant
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
