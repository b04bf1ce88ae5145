//! Two people: requests, friendship and blocks.

mod access;
mod acquaintance;
mod change;
mod part_erased;

pub(crate) use acquaintance::is_seen;
