//! The core of a socket's session, whatever it speaks: outbox, order of commands, limits, reasons to close.

mod close;
mod flood;
mod outbox;
mod pipeline;

pub use close::Close;
pub use flood::Flood;
pub use outbox::{Burst, Offered, Outbox};
pub use pipeline::Pipeline;
