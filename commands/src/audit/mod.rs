//! The audit log.

mod read;
