//! What is shown of the log to those who audit it: events with all that is stored of them, and signed heads.

mod event;
mod head;

pub use event::AuditEvent;
pub use head::{HeadKey, SignedHead};
