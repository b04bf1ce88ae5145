//! The result of a task that ran to its end.

/// The result of a task that ran to its end; it decides the exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// No difference.
    Clean,
    /// At least one difference.
    Different,
}
