//! One's own profile.

use super::{Answer, Call};
use crate::{
    Problem,
    request::{Faults, Parse},
    resource::OwnUser,
};
use axum::http::StatusCode;
use domain::{
    text::{DisplayName, Link, PhoneNumber},
    user::{Preferences, ProfileChange},
};
use projections::queries::UserRow;
use serde_json::Value;
use utoipa::ToSchema;

/// New fields of a profile: what is absent stays, a null removes.
#[derive(Clone, Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ProfileUpdate {
    /// First name.
    #[schema(value_type = Option<String>)]
    pub first_name: Option<DisplayName>,
    /// Last name.
    #[schema(value_type = Option<String>)]
    pub last_name: Option<DisplayName>,
    /// A picture.
    #[schema(value_type = Option<String>)]
    pub avatar_url: Option<Option<Link>>,
    /// A telephone number.
    #[schema(value_type = Option<String>)]
    pub phone: Option<Option<PhoneNumber>>,
    /// What the clients keep for the person, whole; at most 8 KiB.
    #[schema(value_type = Option<Object>)]
    pub preferences: Option<Preferences>,
}

impl Parse for ProfileUpdate {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let mut object = faults.object(value)?;
        Some(Self {
            first_name: object.kept("firstName"),
            last_name: object.kept("lastName"),
            avatar_url: object.removable("avatarUrl"),
            phone: object.removable("phone"),
            preferences: object.kept("preferences"),
        })
    }
}

/// Changes the caller's profile.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn update_profile(call: &Call<'_>, request: ProfileUpdate) -> Result<Answer, Problem> {
    let ProfileUpdate { first_name, last_name, avatar_url, phone, preferences } = request;
    let change = ProfileChange { first_name, last_name, avatar_url, phone, preferences };
    let done = call.app.commands.update_profile(&call.context(), change).await?;
    let row = call.app.queries.user(call.caller.user);
    call.shown::<OwnUser, UserRow>(StatusCode::OK, &done.receipt, done.id, row).await
}
