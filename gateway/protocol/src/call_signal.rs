//! Media signals: what the devices in a call tell each other, relayed and never stored.

use domain::{CallId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// The most bytes of a payload, as JSON.
pub const MAX_PAYLOAD: usize = 16 * 1024;

/// What a signal is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignalKind {
    /// A session description that asks for an answer.
    Offer,
    /// A session description that answers one.
    Answer,
    /// A way to reach the device.
    Candidate,
    /// The device takes no further part.
    End,
}

impl SignalKind {
    /// The word in the protocol.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Offer => "offer",
            Self::Answer => "answer",
            Self::Candidate => "candidate",
            Self::End => "end",
        }
    }
}

/// What one device in a call tells another.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallSignal {
    /// In which call.
    #[schema(value_type = Uuid)]
    pub call_id: CallId,
    /// The sender.
    #[schema(value_type = Uuid)]
    pub from_user_id: UserId,
    /// On which device: answers go there.
    pub from_session_id: Uuid,
    /// What it is for.
    pub kind: SignalKind,
    /// The sender's payload.
    pub payload: Value,
}
