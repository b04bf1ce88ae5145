//! The caller's account: changing the password, deactivating, erasing.

use super::{Answer, Operation, Request, Route};
use async_trait::async_trait;
use commands::Password;
use limits::Kind;
use protocol::{
    Problem,
    request::{Faults, Nothing, Parse},
};
use serde_json::Value;
use utoipa::ToSchema;

/// A new password in the place of the current one.
#[derive(Debug, ToSchema)]
pub struct PasswordChange {
    /// The current one.
    #[schema(value_type = String)]
    pub current: Password,
    /// The new one: 8 to 128 characters (in NFKC); none of the common passwords, and not made of the person's own words.
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

/// What proves that it is the owner who hides or erases their account.
#[derive(Debug, ToSchema)]
pub struct Farewell {
    /// The password; needed when one signed in more than 5 minutes ago, and if it is given it must be right.
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
pub struct ChangePassword;

#[async_trait]
impl Operation for ChangePassword {
    const NAME: &'static str = "account.password";
    const SUMMARY: &'static str = "Changes one's password. All other sessions end with it: their sockets close, their tokens are \
        refused.";
    const BUDGET: Kind = Kind::Account;
    const ROUTE: Option<Route> = Some(Route::post("/users/me/password", "changePassword", "users"));
    const ON_SOCKETS: bool = false;

    type Target = ();
    type Body = PasswordChange;
    type Output = Nothing;

    async fn run(
        (): (),
        PasswordChange { current, new }: PasswordChange,
        request: &Request<'_>,
    ) -> Result<Answer, Problem> {
        let done = request.app.commands.change_password(&request.context(), current, new).await?;
        Ok(Answer::nothing(&done.receipt))
    }
}

/// Hides the caller's account until they sign in again.
pub struct Deactivate;

#[async_trait]
impl Operation for Deactivate {
    const NAME: &'static str = "account.deactivate";
    const SUMMARY: &'static str = "Hides one's account and ends all sessions. Nobody finds it until one signs in again, with the same \
        password; what one wrote stays where it is. Wants the password, unless one signed in less than 5 \
        minutes ago.";
    const BUDGET: Kind = Kind::Account;
    const ROUTE: Option<Route> = Some(Route::post("/users/me/deactivate", "deactivateMe", "users").may_lack_body());
    const ON_SOCKETS: bool = false;

    type Target = ();
    type Body = Farewell;
    type Output = Nothing;

    async fn run((): (), farewell: Farewell, request: &Request<'_>) -> Result<Answer, Problem> {
        let done = request.app.commands.deactivate(&request.context(), farewell.password).await?;
        Ok(Answer::nothing(&done.receipt))
    }
}

/// Erases the caller.
pub struct Erase;

#[async_trait]
impl Operation for Erase {
    const NAME: &'static str = "account.erase";
    const SUMMARY: &'static str = "Erases one's account, for good. What one wrote can be read by nobody any more, one leaves all \
        groups, friendships end, all sessions end, and the e-mail address is free again. Wants the password, \
        unless one signed in less than 5 minutes ago. Others see that somebody was there, without a name.";
    const BUDGET: Kind = Kind::Account;
    const ROUTE: Option<Route> = Some(Route::delete("/users/me", "eraseMe", "users").may_lack_body());
    const ON_SOCKETS: bool = false;

    type Target = ();
    type Body = Farewell;
    type Output = Nothing;

    async fn run((): (), farewell: Farewell, request: &Request<'_>) -> Result<Answer, Problem> {
        let done = request.app.commands.erase(&request.context(), farewell.password).await?;
        Ok(Answer::nothing(&done.receipt))
    }
}
