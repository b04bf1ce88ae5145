//! Uploaded files. Their bytes lie beside the log, under the file's id; here is whose they are, and how long they stay.

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
