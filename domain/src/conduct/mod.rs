//! What was made of how an account behaves: each verdict that refused a message as spam, with all it rests on.

mod aggregate;
mod command;
mod error;
mod event;
mod score;
#[cfg(test)]
mod tests;

pub use aggregate::*;
pub use command::*;
pub use error::*;
pub use event::*;
pub use score::*;
