//! Failures of the graph.

/// A failure of the graph.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// It is unavailable; try again later, or do without.
    #[error("the graph is unavailable: {0}")]
    Unavailable(String),
    /// It is not filled yet, or too far behind: use the read models.
    #[error("the graph is being rebuilt")]
    Rebuilding,
    /// The settings are invalid.
    #[error("the graph's settings are wrong: {0}")]
    Settings(String),
}
