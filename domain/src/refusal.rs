//! The properties of every refusal of the domain.

/// The kind of a refusal; the doors map it to a status of their protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// The target does not exist, or is hidden from the actor.
    NotFound,
    /// The actor sees the target but lacks the right.
    Forbidden,
    /// The current state does not allow the command.
    Conflict,
    /// The command is invalid; `field` names the field at fault.
    Invalid,
}

/// A typed refusal: stable words for programs, a sentence for people.
pub trait Refusal: std::error::Error {
    /// The stable snake_case word.
    fn code(&self) -> &'static str;
    /// Its kind.
    fn kind(&self) -> RefusalKind;
    /// The field of the command at fault, for [`RefusalKind::Invalid`].
    fn field(&self) -> Option<&'static str> {
        None
    }
    /// The wait in milliseconds, for a rate limit.
    fn wait_ms(&self) -> Option<i64> {
        None
    }
}
