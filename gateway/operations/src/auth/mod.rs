//! Authentication: access tokens, and whether their session is live.

mod roles;

pub use roles::require;

use crate::App;
use axum::http::{HeaderMap, header};
use domain::user::UserError;
use protocol::Problem;
use tokens::Claims;

/// The claims of a good token whose session lives and whose account may act.
///
/// # Errors
/// `invalid_token`, `account_blocked`, or that the store is away.
pub async fn authenticate(app: &App, token: &str) -> Result<Claims, Problem> {
    holds(app, app.tokens.verify(token, (app.clock)()).ok_or_else(Problem::invalid_token)?).await
}

/// The claims, when their session lives and their account may act.
pub async fn holds(app: &App, claims: Claims) -> Result<Claims, Problem> {
    if !app.commands.session_is_live(claims.session, claims.user).await? {
        return Err(Problem::invalid_token());
    }
    let user = app.commands.user(claims.user).await?;
    match user.state.may_act() {
        Ok(()) => Ok(claims),
        Err(UserError::Blocked) => Err(Problem::refusal(&UserError::Blocked)),
        Err(_) => Err(Problem::invalid_token()),
    }
}

/// The token of an `Authorization: Bearer` header.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}
