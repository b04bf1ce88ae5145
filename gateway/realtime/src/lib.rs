//! Events and signals on their way to the sockets of this process: which sockets receive them, and their frames. It knows
//! no transport and no operation.

mod caller;
mod flood;
pub mod hub;
pub mod outbox;
pub mod presence;
pub mod push;
mod signal_router;
pub mod typing;

pub use caller::Caller;
pub use flood::Flood;
pub use signal_router::SignalRouter;
