//! The acts of administrators on the server itself, for the audit trail.

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
