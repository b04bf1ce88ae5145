//! The built program against real databases, on both engines.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod backup;
mod builds;
mod dead_letters;
mod log;
mod read_models;
mod served;
mod support;
