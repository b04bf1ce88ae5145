//! The words that all doors share: requests and resources, problems and their codes, cursors, close codes, names of events.
//! It knows what a client reads and writes, and nothing of who does it.

mod alert;
mod call_signal;
mod close;
pub mod codes;
pub mod cursor;
mod described;
pub mod problem;
pub mod request;
pub mod resource;
mod typing;
pub mod vocabulary;

pub use alert::{Alert, AlertState, Severity};
pub use call_signal::{CallSignal, MAX_PAYLOAD, SignalKind};
pub use close::Close;
pub use described::{Described, Schemas};
pub use problem::Problem;
pub use typing::Typing;
