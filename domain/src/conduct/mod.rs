//! The spam verdicts on an account, each with its basis.

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
