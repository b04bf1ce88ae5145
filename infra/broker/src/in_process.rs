//! Lanes within this process.

/// Lanes within this process.
pub struct InProcess {}
