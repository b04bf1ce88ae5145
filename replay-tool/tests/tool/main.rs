//! The built program against real places, on both engines.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod builds;
mod dead_letters;
mod log;
mod read_models;
mod support;
