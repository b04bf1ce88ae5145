//! Conversations: who belongs to one, in which role, and its settings.

mod aggregate;
mod command;
mod error;
mod event;
mod member;
#[cfg(test)]
mod tests;

pub use aggregate::*;
pub use command::*;
pub use error::*;
pub use event::*;
pub use member::*;
