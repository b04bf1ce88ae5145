//! The machinery of the write side: every use case runs through [`Commands::execute`].

mod caller;
mod coalescing;
mod commands;
mod context;
mod error;
mod execute;
mod facts;
mod high_admission;
mod medium_admission;
mod overload;
mod recent_messages;
mod state;
mod stream_locks;
mod throttle;

pub(crate) use caller::Caller;
pub use commands::{CommandSettings, Commands};
pub use context::{Actor, Context, Done};
pub(crate) use error::refused;
pub use error::{CommandError, FieldError};
pub(crate) use execute::UseCase;
pub(crate) use facts::{Decided, Facts};
pub use overload::EntryPermit;
pub(crate) use recent_messages::{Approach, RECENT_MS, Utterance};
pub use state::Versioned;
pub(crate) use state::{Cached, Freshness, States, fold};
