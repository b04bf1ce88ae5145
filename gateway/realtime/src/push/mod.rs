//! Pushes: events as rendered for sockets.
//!
//! A push is the event's own stream folded up to the event, without what depends on the viewer. So it is
//! rendered once for everybody. A replayed push is the live one without what has been taken back since (`replay.rs`).

mod again;
mod call;
mod data;
mod fold;
mod names;
mod opened;
mod pushes;
mod render;
mod replay;
mod report;
mod socket_io;
mod socket_io_signal;
mod story;

pub(crate) use names::MESSAGE_HIDDEN;

pub use call::call_at;
pub use data::{
    ConversationData, DeletedConversation, FriendshipData, HiddenMessage, InviteData, MemberChange, MemberData,
    MessageData, OwnSettingsData, ReactionCount, ReceiptData, UserData, UserRef,
};
pub use opened::{is_newer, open};
pub use pushes::Pushes;
pub use socket_io_signal::socket_io_signal;
pub use story::{CommentData, DeletedComment, EndedStory, StoryData, StoryView};

use crate::outbox::Dialect;
use axum::extract::ws::Utf8Bytes;
use domain::{Tier, Timestamp};
use event_store::Position;
use names::{MEMBER_ADDED, MEMBER_APPROVED, MEMBER_JOINED, MESSAGE_DELETED, RECEIPT_READ};
use socket_io::{Happened, Template};
use std::sync::OnceLock;
use uuid::Uuid;

/// An event as rendered for sockets, all but the cursor.
#[derive(Clone, Debug)]
pub struct Push {
    /// The event's place in the one order.
    pub position: Position,
    /// The event's tier.
    pub tier: Tier,
    /// The request it came of.
    pub correlation: Option<Uuid>,
    /// The actor.
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
    /// The Socket.IO packets, rendered on first use.
    socket_io: OnceLock<Template>,
}

impl Push {
    /// Whether `user` hid this push's message for themselves, and so no longer receives it.
    #[must_use]
    pub fn is_hidden_from(&self, user: Uuid) -> bool {
        self.hidden_from.contains(&user) && !matches!(self.name, MESSAGE_HIDDEN | MESSAGE_DELETED)
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

    /// The frame for the Socket.IO client that acted: without what only the others receive.
    #[must_use]
    pub fn frame_for_actor(&self, cursor: &str) -> Utf8Bytes {
        Template::new(&self.happened(), true).fill(cursor, None).into()
    }

    /// Whether others receive more of it than the socket that acted.
    #[must_use]
    pub fn tells_others_more(&self) -> bool {
        let of_messages = [MESSAGE_DELETED, MESSAGE_HIDDEN, RECEIPT_READ];
        let of_members = [MEMBER_JOINED, MEMBER_ADDED, MEMBER_APPROVED];
        self.rings() || of_messages.contains(&self.name) || of_members.contains(&self.name)
    }

    /// Whether it is of a call.
    #[must_use]
    pub fn rings(&self) -> bool {
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
