//! What is said when a socket opens, and what the core itself answers.

use commands::{MAX_PASSWORD, MIN_PASSWORD};
use config::SocketSettings;
use domain::{
    message::{MAX_OWN_REACTIONS, MAX_REACTIONS},
    text::limits,
};
use protocol::request::{Faults, Limit, Parse};
use realtime::hub::Start;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// The first frame of the server.
#[derive(Debug, Serialize, ToSchema)]
pub struct Hello {
    /// What it says.
    pub hello: HelloBody,
}

/// What the first frame says.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HelloBody {
    /// The user who is signed in.
    pub user_id: Uuid,
    /// The session.
    pub session_id: Uuid,
    /// From where the socket goes on.
    pub cursor: String,
    /// Whether everything after the client's cursor follows; otherwise it must reload.
    pub recovered: bool,
    /// How often the server pings; a client that misses two is gone.
    pub heartbeat_seconds: u64,
    /// What a client must keep to.
    pub limits: HelloLimits,
}

/// What a client must keep to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HelloLimits {
    /// The largest frame.
    pub frame_bytes: usize,
    /// The longest content of a message, in bytes of UTF-8.
    pub content_bytes: usize,
    /// The longest content of a message or story, in characters (Unicode scalar values in NFC), as all that follow.
    pub content_characters: usize,
    /// A first or last name.
    pub name_characters: usize,
    /// An e-mail address.
    pub email_characters: usize,
    /// The shortest password, in NFKC.
    pub password_min_characters: usize,
    /// The longest password, in NFKC.
    pub password_max_characters: usize,
    /// The title of a conversation.
    pub title_characters: usize,
    /// A comment on a story.
    pub comment_characters: usize,
    /// The reason of a report.
    pub reason_characters: usize,
    /// Notes on a report.
    pub notes_characters: usize,
    /// The text beside one's presence.
    pub status_characters: usize,
    /// What a device calls itself.
    pub device_characters: usize,
    /// The name of an attachment.
    pub file_name_characters: usize,
    /// The media type of an attachment.
    pub mime_characters: usize,
    /// A telephone number.
    pub phone_characters: usize,
    /// A search: of messages or of people.
    pub search_characters: usize,
    /// A link, in bytes of UTF-8.
    pub link_bytes: usize,
    /// The name of a signal, in bytes.
    pub signal_name_bytes: usize,
    /// Kinds of reaction of one person on a message.
    pub reactions_per_person: usize,
    /// Kinds of reaction on a message.
    pub reactions_per_message: usize,
    /// Sockets a user may have open.
    pub sockets_per_user: usize,
    /// Commands that may be under way.
    pub commands_in_flight: usize,
    /// Frames a second, on average.
    pub frames_per_second: u32,
}

/// The data of `auth`.
#[derive(Clone, Debug, ToSchema)]
pub struct Auth {
    /// The access token.
    pub token: String,
    /// The cursor to resume from. It counts in the first frame alone: a socket that is open goes on from where it is.
    pub since: Option<String>,
}

impl Parse for Auth {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let mut object = faults.object(value)?;
        let (token, since) = (object.required("token"), object.optional("since"));
        Some(Self { token: token?, since })
    }
}

/// The answer to `auth`; `hello` comes before it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignedOn {
    /// The user who is signed in.
    pub user_id: Uuid,
    /// The session.
    pub session_id: Uuid,
}

/// The data of `sync`.
#[derive(Clone, Debug, ToSchema)]
pub struct Sync {
    /// The cursor; without one the answer is where to go on from now.
    pub since: Option<String>,
    /// At most so many events: 1 to 200, 50 when absent.
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 200)]
    pub limit: Option<Limit>,
}

impl Parse for Sync {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let mut object = faults.object(value)?;
        Some(Self { since: object.optional("since"), limit: object.optional("limit") })
    }
}

/// The answer to `ping`.
#[derive(Debug, Serialize, ToSchema)]
pub struct CursorNow {
    /// The cursor after everything that was sent before.
    pub cursor: String,
}

impl Hello {
    /// The first frame of a socket.
    #[must_use]
    pub fn new(user_id: Uuid, session_id: Uuid, start: Start, settings: &SocketSettings) -> Self {
        let limits = HelloLimits {
            frame_bytes: settings.frame_bytes,
            content_bytes: settings.content_bytes,
            content_characters: limits::CONTENT,
            name_characters: limits::NAME,
            email_characters: limits::EMAIL,
            password_min_characters: MIN_PASSWORD,
            password_max_characters: MAX_PASSWORD,
            title_characters: limits::TITLE,
            comment_characters: limits::COMMENT,
            reason_characters: limits::REASON,
            notes_characters: limits::NOTES,
            status_characters: limits::STATUS,
            device_characters: limits::DEVICE,
            file_name_characters: limits::FILE_NAME,
            mime_characters: limits::MEDIA_TYPE,
            phone_characters: limits::PHONE,
            search_characters: limits::SEARCH,
            link_bytes: limits::LINK,
            signal_name_bytes: limits::SIGNAL_NAME,
            reactions_per_person: MAX_OWN_REACTIONS,
            reactions_per_message: MAX_REACTIONS,
            sockets_per_user: settings.sockets_per_user,
            commands_in_flight: settings.commands_in_flight,
            frames_per_second: settings.frames_per_second,
        };
        let Start { recovered, cursor } = start;
        let heartbeat_seconds = settings.heartbeat.as_secs();
        Self { hello: HelloBody { user_id, session_id, cursor, recovered, heartbeat_seconds, limits } }
    }
}
