//! Refusals and failures of commands.

use domain::{Refusal, RefusalKind, UserId, user::UserError};
use event_store::{AppendError, ClaimKind, OpenError, ReadError};
use passwords::PasswordError;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The protocol's name of the field.
    pub field: String,
    pub code: String,
    pub detail: String,
}

/// A refused or failed command; nothing of it is stored.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// A rule of the domain.
    #[error("{detail}")]
    Refused {
        kind: RefusalKind,
        code: &'static str,
        detail: String,
        /// For [`RefusalKind::Invalid`].
        field: Option<&'static str>,
        /// The person at fault, of several that the command names.
        about: Option<UserId>,
    },
    /// All invalid fields.
    #[error("the command has invalid fields")]
    Invalid(Vec<FieldError>),
    /// A unique name is taken.
    #[error("this {} is taken", .0.as_str())]
    Taken(ClaimKind),
    /// The idempotency key was used for another request.
    #[error("this idempotency key was used for another request")]
    KeyReused,
    /// Concurrent commands changed the same streams; a retry may succeed.
    #[error("others are changing the same thing")]
    Contended,
    /// A queue is full; retry later.
    #[error("the server is overloaded")]
    Overloaded,
    /// Too many commands of the account are in flight; retry later.
    #[error("too many commands of this account are in progress")]
    TooManyAtOnce,
    /// The log is unavailable; retry with the same key.
    #[error("the event store is unavailable")]
    Unavailable,
    /// An event of the aggregate was written by a newer build; retry with the same key, later or at another process.
    #[error("a newer version of the server wrote what this one cannot read")]
    AnotherBuild(String),
    /// A wrong password, or no such account.
    #[error("wrong e-mail address or password")]
    WrongCredentials,
    /// Too many wrong passwords; the password was not compared.
    #[error("too many wrong passwords: wait a while")]
    TooManyTries { wait_ms: i64 },
    /// The verdict is recorded in the log.
    #[error("this looks like spam: wait a while")]
    Spam { wait_ms: i64 },
    /// A rate limit of the domain.
    #[error("{detail}")]
    TooOften { detail: String, wait_ms: i64 },
    /// The token or session is unknown, expired or ended.
    #[error("this token is not valid")]
    InvalidToken,
    /// A fault of the server; logged with its cause, not sent to the client.
    #[error("internal error")]
    Internal(String),
}

impl CommandError {
    /// True for the decision of a rule: fresher facts or an earlier result may change it.
    pub(crate) const fn is_verdict(&self) -> bool {
        matches!(
            self,
            Self::Refused { .. } | Self::TooOften { .. } | Self::Invalid(_) | Self::Taken(_) | Self::InvalidToken
        )
    }

    /// True if the same command may succeed in a moment: the fault is not its own.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        matches!(self, Self::Unavailable | Self::Overloaded | Self::TooManyAtOnce | Self::Contended)
    }

    /// The same refusal, about one of several people.
    pub(crate) fn about(mut self, user: UserId) -> Self {
        if let Self::Refused { about, .. } = &mut self {
            *about = Some(user);
        }
        self
    }

    /// The fault of a password that stands in `field`.
    pub(crate) fn of_password(error: PasswordError, field: &str) -> Self {
        match error {
            PasswordError::Weak(fault) => Self::field(field, fault.code, &fault.detail),
            PasswordError::Overloaded => Self::Overloaded,
            PasswordError::Internal(error) => Self::Internal(error),
        }
    }

    pub(crate) fn field(field: &str, code: &str, detail: &str) -> Self {
        Self::Invalid(vec![FieldError { field: field.to_owned(), code: code.to_owned(), detail: detail.to_owned() }])
    }
}

pub(crate) fn refused<R: Refusal>(refusal: R) -> CommandError {
    if let Some(wait_ms) = refusal.wait_ms() {
        return CommandError::TooOften { detail: refusal.to_string(), wait_ms };
    }
    CommandError::Refused {
        kind: refusal.kind(),
        code: refusal.code(),
        detail: refusal.to_string(),
        field: refusal.field(),
        about: None,
    }
}

impl From<PasswordError> for CommandError {
    fn from(error: PasswordError) -> Self {
        Self::of_password(error, "password")
    }
}

impl From<ReadError> for CommandError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Unavailable(cause) => {
                tracing::warn!(error = %cause, "the event store cannot be read; a command is refused");
                Self::Unavailable
            }
            ReadError::Newer(_) => Self::AnotherBuild(error.to_string()),
            ReadError::Damaged(_) => Self::Internal(error.to_string()),
        }
    }
}

impl From<OpenError> for CommandError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Read(error) => error.into(),
            error if error.is_for_another_build() => {
                tracing::warn!(%error, "a command is refused: a newer version wrote what this build cannot read");
                Self::AnotherBuild(error.to_string())
            }
            error => Self::Internal(error.to_string()),
        }
    }
}

impl From<AppendError> for CommandError {
    fn from(error: AppendError) -> Self {
        match error {
            // Another command was faster.
            AppendError::Stale(_) | AppendError::TokenReplaced => Self::Contended,
            AppendError::KeyReused => Self::KeyReused,
            AppendError::ClaimTaken(kind) => Self::Taken(kind),
            AppendError::Forgotten(_) => refused(UserError::NotFound),
            AppendError::Overloaded => Self::Overloaded,
            AppendError::Unavailable(_) => Self::Unavailable,
            AppendError::Broken(what) => Self::Internal(what),
        }
    }
}
