//! Calls: who rings whom in a conversation, who takes part, and how it ends. Media and its signalling are no events.

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
