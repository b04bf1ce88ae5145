//! Calls.

mod answer;
mod close;
mod drop;
mod initiate;
mod lookup;
mod record;
mod refuse;
mod signal;
mod time_out;

pub use drop::Cause;
pub use initiate::{InitiateCall, Initiated};
pub use lookup::CallRef;
