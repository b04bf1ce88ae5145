//! Reports: somebody tells the moderators of a person, a message or a story, with the evidence of that moment.

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
