//! One message: its text, edits, deletion, reactions. A stream of its own, so that a busy room never contends.

mod aggregate;
mod command;
mod error;
mod event;
#[cfg(test)]
mod tests;

pub use aggregate::*;
pub use command::*;
pub use error::*;
pub use event::*;
