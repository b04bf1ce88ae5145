//! What the log promises, on both engines.

mod append;
mod support;
