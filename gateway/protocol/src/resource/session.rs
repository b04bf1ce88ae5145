//! Signed-in devices.

use super::OwnUser;
use domain::{SessionId, Timestamp};
use projections::queries::SessionRow;
use serde::Serialize;
use utoipa::ToSchema;

/// A device that is signed in.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: SessionId,
    /// What the device calls itself.
    pub device: Option<String>,
    /// The address it signed in from.
    pub ip: Option<String>,
    /// Time of the sign-in.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Whether it is the one that asks.
    pub current: bool,
}

impl Session {
    /// A session, as `asking` sees it.
    #[must_use]
    pub fn of(row: SessionRow, asking: SessionId) -> Self {
        let SessionRow { id, device_name, ip, started_at } = row;
        Self { id, device: device_name, ip, created_at: started_at, current: id == asking }
    }
}

/// What one gets by signing in.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignedIn {
    /// Who one is.
    pub user: OwnUser,
    /// Send it as `Authorization: Bearer …`.
    pub access_token: String,
    /// Exchange it for the next pair at `/auth/refresh`.
    pub refresh_token: String,
    /// For how many seconds the access token is good.
    pub expires_in: u64,
}
