//! Reactors against real engines: their effects, repetitions and failures.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod accounts;
mod calls;
mod reactors;
