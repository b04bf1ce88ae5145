//! Reports of a person, a message or a story to the moderators, with the evidence of that time.

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
