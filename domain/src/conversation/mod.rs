//! Conversations: who belongs to one, in which role, and its settings.

mod aggregate;
mod command;
mod error;
mod event;
mod invite;
#[cfg(test)]
mod invite_tests;
mod member;
#[cfg(test)]
mod tests;

pub use aggregate::*;
pub use command::*;
pub use error::*;
pub use event::*;
pub use invite::*;
pub use member::*;
