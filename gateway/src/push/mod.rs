//! Pushes: what a socket is told of an event.
//!
//! A push is the event's own stream folded up to the event, without what depends on the viewer. So it is
//! rendered once for everybody. A replayed push is the live one without what has been taken back since (`replay.rs`).

mod call;
mod data;
mod fold;
mod pushes;
mod render;
mod replay;
mod report;
mod story;

pub(crate) use call::call_at;
pub use data::{
    ConversationData, DeletedConversation, FriendshipData, HiddenMessage, InviteData, MemberChange, MemberData,
    MessageData, OwnSettingsData, ReactionCount, ReceiptData, UserData, UserRef,
};
pub use pushes::{Pushes, is_newer, open};
pub use story::{CommentData, DeletedComment, EndedStory, StoryData, StoryView};

use crate::{
    session::Dialect,
    sio::{Happened, Template},
};
use axum::extract::ws::Utf8Bytes;
use domain::{
    Event, Tier, Timestamp, own_settings::OwnSettingsEvent, read_marker::ReadMarkerEvent, session::SessionEvent,
    user::UserEvent,
};
use event_store::Position;
use std::sync::OnceLock;
use uuid::Uuid;

/// What a socket is told of an event, all but the cursor.
#[derive(Clone, Debug)]
pub struct Push {
    /// The event's place in the one order.
    pub position: Position,
    /// The event's tier.
    pub tier: Tier,
    /// The request it came of.
    pub correlation: Option<Uuid>,
    /// Who acted.
    pub actor: Option<Uuid>,
    /// The conversation and the seq of the message it tells of.
    pub posted: Option<(Uuid, u64)>,
    /// Those who removed the message it tells of for themselves: they hear of its end, and of nothing else.
    pub hidden_from: Vec<Uuid>,
    /// Until when the story it tells of is there.
    pub expires_at: Option<Timestamp>,
    name: &'static str,
    at: Timestamp,
    data: String,
    /// The message up to which somebody has read, if it is remembered.
    message: Option<Uuid>,
    /// What Socket.IO clients are told, once one of them is.
    socket_io: OnceLock<Template>,
}

impl Push {
    /// Whether `user` removed the message it tells of for themselves, and is told no more of it.
    #[must_use]
    pub fn is_hidden_from(&self, user: Uuid) -> bool {
        self.hidden_from.contains(&user) && !matches!(self.name, "message.hidden" | "message.deleted")
    }

    /// About what it takes up.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.data.len() + 256
    }

    /// The frame, with the cursor that stands after it. `attached` is the JSON of what a command on a call had beside
    /// it: in the words of Socket.IO it is part of the event.
    #[must_use]
    pub fn frame(&self, dialect: Dialect, cursor: &str, attached: Option<&str>) -> Utf8Bytes {
        match dialect {
            Dialect::Plain => self.text(cursor).into(),
            Dialect::SocketIo => {
                let template = self.socket_io.get_or_init(|| Template::new(&self.happened(), false));
                template.fill(cursor, attached).into()
            }
        }
    }

    /// The frame for a Socket.IO client that acted itself: without what only the others are told.
    #[must_use]
    pub fn frame_for_actor(&self, cursor: &str) -> Utf8Bytes {
        Template::new(&self.happened(), true).fill(cursor, None).into()
    }

    /// Whether others are told more of it than whoever acted.
    #[must_use]
    pub fn tells_others_more(&self) -> bool {
        self.name.starts_with("call.")
    }

    fn happened(&self) -> Happened<'_> {
        let Self { position, name, at, actor, data, message, .. } = self;
        Happened { name, position: *position, at: *at, actor: *actor, data, message: *message }
    }

    /// The JSON of the frame.
    #[must_use]
    pub fn text(&self, cursor: &str) -> String {
        let (before, after) = self.around_cursor();
        [&before, cursor, &after].concat()
    }

    /// The JSON of the frame, before and after the cursor.
    #[must_use]
    pub fn around_cursor(&self) -> (String, String) {
        let Self { position, name, at, data, .. } = self;
        let actor = self.actor.map_or_else(|| "null".to_owned(), |actor| format!("\"{actor}\""));
        let before = format!(r#"{{"event":"{name}","position":{position},"cursor":""#);
        (before, format!(r#"","at":"{at}","actorId":{actor},"data":{data}}}"#))
    }
}

#[cfg(test)]
impl Push {
    /// A push that says nothing.
    pub(crate) fn for_test(position: Position, tier: Tier) -> Self {
        Self {
            position,
            tier,
            correlation: None,
            actor: None,
            posted: None,
            hidden_from: Vec::new(),
            expires_at: None,
            name: "test",
            at: Timestamp::default(),
            data: "{}".to_owned(),
            message: None,
            socket_io: OnceLock::new(),
        }
    }
}

/// The event's name in the protocol: that of its kind, but for one that says the same to fewer people, and for what
/// people do to their own view of a conversation.
pub(crate) const fn name(event: &Event) -> &'static str {
    match event {
        Event::ReadMarker(ReadMarkerEvent::ReadPrivately { .. }) => "receipt.read",
        Event::OwnSettings(OwnSettingsEvent::Muted { .. }) => "conversation.muted",
        Event::OwnSettings(OwnSettingsEvent::Unmuted { .. }) => "conversation.unmuted",
        Event::OwnSettings(OwnSettingsEvent::Archived { .. }) => "conversation.archived",
        Event::OwnSettings(OwnSettingsEvent::Unarchived { .. }) => "conversation.unarchived",
        Event::OwnSettings(OwnSettingsEvent::Cleared { .. }) => "conversation.cleared",
        _ => event.kind().name,
    }
}

/// Whether sockets are told of such events. Sessions, an account's opening, its files and its conduct, and what
/// administrators do to the server are nobody's feed.
#[must_use]
pub const fn is_pushed(event: &Event) -> bool {
    match event {
        Event::Session(SessionEvent::Started { .. } | SessionEvent::Ended { .. })
        | Event::User(UserEvent::Registered { .. } | UserEvent::Unblocked)
        | Event::File(_)
        | Event::Conduct(_)
        | Event::Administration(_)
        | Event::Audit(_) => false,
        // Whoever it is about is signed out with it; others hear of what follows, of who leaves a group, say.
        Event::User(
            UserEvent::PasswordChanged { .. } | UserEvent::Deactivated | UserEvent::Reactivated | UserEvent::Erased,
        ) => false,
        Event::User(UserEvent::Updated { .. } | UserEvent::Blocked | UserEvent::RoleChanged { .. })
        | Event::Friendship(_)
        | Event::Conversation(_)
        | Event::Message(_)
        | Event::ReadMarker(_)
        | Event::Call(_)
        | Event::OwnSettings(_)
        | Event::Story(_)
        | Event::Report(_) => true,
    }
}
