//! Whether somebody is here.

use domain::UserId;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Whether somebody is here.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Presence {
    /// Who.
    pub user_id: Uuid,
    /// `online`.
    pub status: &'static str,
}

impl Presence {
    /// Somebody who has a socket somewhere.
    #[must_use]
    pub const fn online(user: UserId) -> Self {
        Self { user_id: user.0, status: "online" }
    }
}
