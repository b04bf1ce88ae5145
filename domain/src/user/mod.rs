//! Accounts: identity, role and status of a person.

mod aggregate;
mod command;
mod error;
mod event;
mod profile;
mod reach;
#[cfg(test)]
mod tests;

pub use aggregate::*;
pub use command::*;
pub use error::*;
pub use event::*;
pub use profile::*;
pub use reach::*;
