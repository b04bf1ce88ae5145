//! Grants of budgets that processes share.

/// A grant of a budget that processes share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The number of granted units.
    pub granted: u32,
    /// If none: the microseconds until the next one.
    pub wait_us: i64,
}
