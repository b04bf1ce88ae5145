//! How one person keeps a conversation: muted, archived, and from where on they see it. Nobody else knows.

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
