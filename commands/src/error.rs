//! Why a command was refused.

use domain::{Refusal, RefusalKind, user::UserError};
use event_store::{AppendError, ClaimKind, OpenError, ReadError};

/// A fault in one field of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field, as the protocol names it.
    pub field: String,
    /// The stable word.
    pub code: String,
    /// A sentence.
    pub detail: String,
}

/// Why a command was refused; nothing of it is stored.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// A rule of the domain, with its stable word and sentence.
    #[error("{detail}")]
    Refused {
        /// The family.
        kind: RefusalKind,
        /// The stable word.
        code: &'static str,
        /// The sentence.
        detail: String,
        /// The field at fault, for [`RefusalKind::Invalid`].
        field: Option<&'static str>,
    },
    /// Fields that do not fit, all of them named.
    #[error("the command has invalid fields")]
    Invalid(Vec<FieldError>),
    /// A unique name is taken.
    #[error("this {} is taken", .0.as_str())]
    Taken(ClaimKind),
    /// The idempotency key was used for another request.
    #[error("this idempotency key was used for another request")]
    KeyReused,
    /// Others kept changing the same thing; trying again may work.
    #[error("others are changing the same thing")]
    Contended,
    /// The writer has no room; come back later.
    #[error("the server is overloaded")]
    Overloaded,
    /// The store is away; come back later, with the same key.
    #[error("the event store is unavailable")]
    Unavailable,
    /// What it is about was written by a newer build; come back later, or to another process, with the same key.
    #[error("a newer version of the server wrote what this one cannot read")]
    AnotherBuild(String),
    /// E-mail and password do not belong together (or there is no such account: the same answer).
    #[error("wrong e-mail address or password")]
    WrongCredentials,
    /// Too many wrong passwords; none is looked at now, right or wrong.
    #[error("too many wrong passwords: wait a while")]
    TooManyTries {
        /// For how long, in milliseconds.
        wait_ms: i64,
    },
    /// The spam filter refuses it; why is in the log.
    #[error("this looks like spam: wait a while")]
    Spam {
        /// For how long, in milliseconds.
        wait_ms: i64,
    },
    /// The same was done too often; there is room again after a while.
    #[error("{detail}")]
    TooOften {
        /// The sentence.
        detail: String,
        /// For how long, in milliseconds.
        wait_ms: i64,
    },
    /// The token or session is not good (any more).
    #[error("this token is not valid")]
    InvalidToken,
    /// A fault of ours; logged with its cause, never told.
    #[error("internal error")]
    Internal(String),
}

impl CommandError {
    /// Whether it was decided by a rule, so that fresher facts or an earlier result may decide otherwise.
    pub(crate) const fn is_verdict(&self) -> bool {
        matches!(
            self,
            Self::Refused { .. } | Self::TooOften { .. } | Self::Invalid(_) | Self::Taken(_) | Self::InvalidToken
        )
    }

    /// Whether the same may succeed in a moment, for a reason that is not its own.
    pub(crate) const fn is_temporary(&self) -> bool {
        matches!(self, Self::Unavailable | Self::Overloaded | Self::Contended)
    }

    /// One field at fault.
    pub(crate) fn field(field: &str, code: &str, detail: &str) -> Self {
        Self::Invalid(vec![FieldError { field: field.to_owned(), code: code.to_owned(), detail: detail.to_owned() }])
    }
}

/// A refusal of the domain, with its words.
pub(crate) fn refused<R: Refusal>(refusal: R) -> CommandError {
    if let Some(wait_ms) = refusal.wait_ms() {
        return CommandError::TooOften { detail: refusal.to_string(), wait_ms };
    }
    CommandError::Refused {
        kind: refusal.kind(),
        code: refusal.code(),
        detail: refusal.to_string(),
        field: refusal.field(),
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
            // Both mean that somebody else was faster.
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
