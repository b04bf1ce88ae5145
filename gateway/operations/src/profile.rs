//! The caller's profile.

use super::{Answer, Operation, Request, Route};
use async_trait::async_trait;
use axum::http::StatusCode;
use domain::{
    text::{DisplayName, Link, PhoneNumber},
    user::{Preferences, ProfileChange},
};
use limits::Kind;
use projections::queries::UserRow;
use protocol::{
    Problem,
    request::{Faults, Parse},
    resource::{OrId, OwnUser},
};
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
    /// What the clients keep for the person, whole; at most 8 KiB. The server looks into `reachableBy`: `everyone` or
    /// `friends` for each of `messages`, `groups` and `calls`. What of it is absent stays as it is; a null removes it.
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
pub struct UpdateProfile;

#[async_trait]
impl Operation for UpdateProfile {
    const NAME: &'static str = "account.update";
    const SUMMARY: &'static str = "Changes one's own profile.";
    const BUDGET: Kind = Kind::Account;
    const ROUTE: Option<Route> = Some(Route::patch("/users/me", "updateMe", "users"));
    const ON_SOCKETS: bool = false;

    type Target = ();
    type Body = ProfileUpdate;
    type Output = OrId<OwnUser>;

    async fn run(
        (): (),
        ProfileUpdate { first_name, last_name, avatar_url, phone, preferences }: ProfileUpdate,
        request: &Request<'_>,
    ) -> Result<Answer, Problem> {
        let change = ProfileChange { first_name, last_name, avatar_url, phone, preferences };
        let done = request.app.commands.update_profile(&request.context(), change).await?;
        let row = request.app.queries.user(request.caller.user);
        request.shown::<OwnUser, UserRow>(StatusCode::OK, &done.receipt, done.id, row).await
    }
}
