//! The write side: one file per use case. Each authorises on the write side's own state, decides, appends and
//! answers a receipt. Permission is decided here, once, for every way in (I9).

mod context;
mod error;

pub use context::{Actor, Context, Done};
pub use error::{CommandError, FieldError};
