//! Pushes: what a socket is told of an event.
//!
//! A push is the event's own stream folded up to the event, without what depends on the viewer. So it is
//! rendered once for everybody, and a replayed push equals the live one.

mod call;
mod data;
mod fold;
mod pushes;
mod render;

pub(crate) use call::call_at;
pub use data::{
    ConversationData, DeletedConversation, FriendshipData, HiddenMessage, MemberChange, MemberData, MessageData,
    ReactionCount, ReceiptData, UserData, UserRef,
};
pub use pushes::{Pushes, open};

use axum::extract::ws::Utf8Bytes;
use domain::{Event, Tier, Timestamp, read_marker::ReadMarkerEvent, session::SessionEvent, user::UserEvent};
use event_store::Position;
use uuid::Uuid;

/// What a socket is told of an event, all but the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// The event's place in the one order.
    pub position: Position,
    /// The event's tier.
    pub tier: Tier,
    name: &'static str,
    at: Timestamp,
    actor: Option<Uuid>,
    data: String,
}

impl Push {
    /// The frame, with the cursor that stands after it.
    #[must_use]
    pub fn frame(&self, cursor: &str) -> Utf8Bytes {
        self.text(cursor).into()
    }

    /// The JSON of the frame.
    #[must_use]
    pub fn text(&self, cursor: &str) -> String {
        let Self { position, name, at, data, .. } = self;
        let actor = self.actor.map_or_else(|| "null".to_owned(), |actor| format!("\"{actor}\""));
        format!(
            r#"{{"event":"{name}","position":{position},"cursor":"{cursor}","at":"{at}","actorId":{actor},"data":{data}}}"#
        )
    }
}

#[cfg(test)]
impl Push {
    /// A push that says nothing.
    pub(crate) fn for_test(position: Position, tier: Tier) -> Self {
        Self { position, tier, name: "test", at: Timestamp::default(), actor: None, data: "{}".to_owned() }
    }
}

/// The event's name in the protocol: that of its kind, but for one that says the same to fewer people.
pub(crate) const fn name(event: &Event) -> &'static str {
    match event {
        Event::ReadMarker(ReadMarkerEvent::ReadPrivately { .. }) => "receipt.read",
        _ => event.kind().name,
    }
}

/// Whether sockets are told of such events. Sessions, and an account's opening, are nobody's feed.
#[must_use]
pub const fn is_pushed(event: &Event) -> bool {
    match event {
        Event::Session(SessionEvent::Started { .. } | SessionEvent::Ended { .. })
        | Event::User(UserEvent::Registered { .. } | UserEvent::Unblocked) => false,
        Event::User(UserEvent::Updated { .. } | UserEvent::Blocked)
        | Event::Friendship(_)
        | Event::Conversation(_)
        | Event::Message(_)
        | Event::ReadMarker(_)
        | Event::Call(_) => true,
    }
}
