//! Accounts, for administrators.

use crate::{
    HttpApp,
    routes::{
        answer::{LATER, written},
        body::Body,
        page::Parameters,
        request::{AsAdmin, Id, Reader, Writer},
    },
};
use axum::{Json, extract::State, response::Response};
use domain::{UserId, user::Role};
use operations::{AccountUpdate, App};
use projections::queries::AccountFilter;
use protocol::{
    Problem,
    resource::{List, OwnUser, Stored},
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<HttpApp> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(change))
}

/// Accounts, with what their owners see of them.
#[utoipa::path(
    get, path = "/admin/accounts", operation_id = "listAccounts", tag = "admin",
    params(
        ("query" = Option<String>, Query, description = "part of a name or of an e-mail address"),
        ("role" = Option<String>, Query, description = "`USER`, `MODERATOR` or `ADMIN`"),
        ("isBlocked" = Option<bool>, Query),
        ("limit" = Option<u32>, Query), ("after" = Option<String>, Query),
    ),
    responses((status = 200, body = List<OwnUser>))
)]
async fn list(
    State(app): State<App>,
    _: AsAdmin<Reader>,
    parameters: Parameters,
) -> Result<Json<List<OwnUser>>, Problem> {
    let roles = [Role::User, Role::Moderator, Role::Admin].map(|role| (role.as_str(), role));
    let filter = AccountFilter {
        text: parameters.search("query")?.map(str::to_owned),
        role: parameters.any_of("role", &roles)?,
        is_blocked: parameters.any_of("isBlocked", &[("true", true), ("false", false)])?,
    };
    Ok(Json(List::of(app.queries.accounts(&filter, &parameters.page()?).await?)))
}

/// Stops somebody else's account from acting, lets it act again, or gives it another role.
#[utoipa::path(
    patch, path = "/admin/accounts/{id}", operation_id = "updateAccount", tag = "admin",
    params(("id" = Uuid, Path)), request_body = AccountUpdate, 
    responses((status = 200, body = OwnUser), (status = 202, description = LATER, body = Stored))
)]
async fn change(
    State(app): State<App>,
    AsAdmin(writer): AsAdmin<Writer>,
    Id(user): Id<UserId>,
    Body(request): Body<AccountUpdate>,
) -> Result<Response, Problem> {
    Ok(written(&app, operations::change_account(&writer.request(&app)?, user, request).await?).await)
}
