//! The refusal of a text.

/// A text was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Invalid {
    /// The stable word: `empty`, `too_long`, `control_character`, `malformed`.
    pub code: &'static str,
    /// A sentence for people.
    pub detail: String,
}

impl Invalid {
    /// A refusal with its word and its sentence.
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}
