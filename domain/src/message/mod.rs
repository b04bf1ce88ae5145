//! One message: its text, edits, deletion, reactions. Each has a stream of its own, so that messages of a busy
//! conversation do not contend.

mod aggregate;
mod command;
mod content;
mod error;
mod event;
#[cfg(test)]
mod tests;
mod upcast;

pub use aggregate::*;
pub use command::*;
pub use content::*;
pub use error::*;
pub use event::*;
