//! One person's own settings of a conversation: muted, archived, cleared. Nobody else sees them.

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
