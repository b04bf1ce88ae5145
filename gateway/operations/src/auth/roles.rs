//! Authorization of moderators and administrators, by the write side's own state.

use crate::App;
use axum::http::StatusCode;
use domain::user::Role;
use protocol::Problem;
use realtime::Caller;

/// That the caller's role is `role` or more.
///
/// # Errors
/// `moderator_only` or `admin_only`, or that the store is away.
pub async fn require(app: &App, caller: &Caller, role: Role) -> Result<(), Problem> {
    let account = app.commands.user(caller.user).await?.state;
    if account.may_act().is_ok() && account.role() >= role {
        return Ok(());
    }
    let (code, detail) = match role {
        Role::User | Role::Moderator => ("moderator_only", "only a moderator may do this"),
        Role::Admin => ("admin_only", "only an administrator may do this"),
    };
    Err(Problem::new(StatusCode::FORBIDDEN, code, detail))
}
