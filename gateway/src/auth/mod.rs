//! Who calls: access tokens, and whether their session still lives.

mod extract;
mod roles;
mod tokens;

pub use extract::{Authenticated, bearer};
pub(crate) use extract::{CallerId, kind_of};
pub use roles::require;
pub use tokens::{Claims, Tokens};

use crate::{App, Problem};
use domain::user::UserError;

/// The claims of a good token whose session lives and whose account may act.
///
/// # Errors
/// `invalid_token`, `account_blocked`, or that the store is away.
pub async fn authenticate(app: &App, token: &str) -> Result<Claims, Problem> {
    let claims = app.tokens.verify(token, (app.clock)())?;
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
