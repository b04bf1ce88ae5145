//! What is said when a socket opens, and what the core itself answers.

use crate::{
    hub::{HubSettings, Start},
    request::{Faults, Parse},
};
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
    /// Who is signed in.
    pub user_id: Uuid,
    /// With which session.
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
    /// The longest content of a message.
    pub content_bytes: usize,
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
    /// The cursor to resume from.
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
    /// Who is signed in.
    pub user_id: Uuid,
    /// With which session.
    pub session_id: Uuid,
}

/// The data of `sync`.
#[derive(Clone, Debug, ToSchema)]
pub struct Sync {
    /// The cursor; without one the answer is where to go on from now.
    pub since: Option<String>,
    /// At most so many events: 50 when absent, never more than 200.
    pub limit: Option<u64>,
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
    pub fn new(user_id: Uuid, session_id: Uuid, start: Start, settings: &HubSettings) -> Self {
        let limits = HelloLimits {
            frame_bytes: settings.frame_bytes,
            content_bytes: settings.content_bytes,
            sockets_per_user: settings.sockets_per_user,
            commands_in_flight: settings.commands_in_flight,
            frames_per_second: settings.frames_per_second,
        };
        let Start { recovered, cursor } = start;
        let heartbeat_seconds = settings.heartbeat.as_secs();
        Self { hello: HelloBody { user_id, session_id, cursor, recovered, heartbeat_seconds, limits } }
    }
}
