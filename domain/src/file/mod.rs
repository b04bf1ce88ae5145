//! Uploaded files: owner and lifetime. Their bytes are stored beside the log, under the file's id.

mod aggregate;
mod command;
mod error;
mod event;
mod link;
#[cfg(test)]
mod tests;

pub use aggregate::*;
pub use command::*;
pub use error::*;
pub use event::*;
pub use link::*;
