//! The header by which clients read what they wrote.

/// The position up to which something is known: of a write in its answer, wanted by a read in its request.
pub const POSITION: &str = "x-chatchit-position";
