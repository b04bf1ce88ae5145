//! What a role lets its holder do, by the write side's own state.

use crate::{App, Problem, operations::Caller};
use axum::http::StatusCode;
use domain::user::Role;

/// Whether the caller has at least this role; an administrator is a moderator, too.
///
/// # Errors
/// `admin_only`, `moderator_only`, or that the store is away.
pub async fn require(app: &App, caller: &Caller, role: Role) -> Result<(), Problem> {
    let has = app.commands.user(caller.user).await?.state.role();
    match role {
        Role::User => Ok(()),
        Role::Moderator if matches!(has, Role::Moderator | Role::Admin) => Ok(()),
        Role::Admin if has == Role::Admin => Ok(()),
        Role::Moderator => Err(forbidden("moderator_only", "only moderators may do this")),
        Role::Admin => Err(forbidden("admin_only", "only administrators may do this")),
    }
}

fn forbidden(code: &'static str, detail: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, code, detail)
}
