//! What every refusal of the domain can say of itself.

/// The family of a refusal; the ways in map it to a status of their protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// The thing is not there, or the actor may not know that it is.
    NotFound,
    /// The actor can see the thing and may not do this to it.
    Forbidden,
    /// The state does not allow it now.
    Conflict,
    /// The command itself is wrong; `field` says where.
    Invalid,
}

/// A typed refusal: stable words for programs, a sentence for people.
pub trait Refusal: std::error::Error {
    /// The stable snake_case word.
    fn code(&self) -> &'static str;
    /// The family.
    fn kind(&self) -> RefusalKind;
    /// The field of the command at fault, for [`RefusalKind::Invalid`].
    fn field(&self) -> Option<&'static str> {
        None
    }
    /// For how long to wait, in milliseconds, when it was done too often.
    fn wait_ms(&self) -> Option<i64> {
        None
    }
}
