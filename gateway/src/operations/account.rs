//! One's own account: its password, hiding it, erasing it.

use super::{Answer, Call};
use crate::{
    Problem,
    request::{Faults, Parse},
};
use commands::Password;
use serde_json::Value;
use utoipa::ToSchema;

/// A new password in the place of the current one.
#[derive(Debug, ToSchema)]
pub struct PasswordChange {
    /// The current one.
    #[schema(value_type = String)]
    pub current: Password,
    /// The new one: 8 to 128 bytes.
    #[schema(value_type = String)]
    pub new: Password,
}

impl Parse for PasswordChange {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let mut object = faults.object(value)?;
        let (current, new) = (object.required::<String>("current"), object.required("new"));
        Some(Self { current: Password::claimed(&current?), new: new? })
    }
}

/// What may be said with an erasure.
#[derive(Debug, ToSchema)]
pub struct Farewell {
    /// The password; it need not be given, and if it is it must be right.
    #[schema(value_type = Option<String>)]
    pub password: Option<Password>,
}

impl Parse for Farewell {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let password = faults.object(value)?.optional::<String>("password");
        Some(Self { password: password.map(|password| Password::claimed(&password)) })
    }
}

/// Changes the caller's password, and ends all their sessions but this one.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn change_password(call: &Call<'_>, request: PasswordChange) -> Result<Answer, Problem> {
    let PasswordChange { current, new } = request;
    Ok(Answer::nothing(&call.app.commands.change_password(&call.context(), current, new).await?.receipt))
}

/// Hides the caller's account until they sign in again.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn deactivate(call: &Call<'_>) -> Result<Answer, Problem> {
    Ok(Answer::nothing(&call.app.commands.deactivate(&call.context()).await?.receipt))
}

/// Erases the caller.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn erase(call: &Call<'_>, request: Farewell) -> Result<Answer, Problem> {
    Ok(Answer::nothing(&call.app.commands.erase(&call.context(), request.password).await?.receipt))
}
