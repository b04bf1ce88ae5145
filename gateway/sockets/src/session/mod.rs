//! The core of a socket's session, whatever door it came through: credentials, seat, catching up, outbox, order of
//! commands, limits, signs of life, reasons to close. A door adds a transport and a codec ([`door::Door`]).

mod commands;
mod delivery_probe;
mod dispatch;
mod door;
mod hello;
mod pipeline;
mod registry;
mod sign_in;
mod socket;
mod wire;

pub(crate) use door::{Answered, Door, Inbound, Incoming, Turn, Want, given};
pub(crate) use engine_io::{BURST, Gone, Wire};
pub use hello::{Auth, CursorNow, Hello, HelloBody, HelloLimits, SignedOn, Sync};
pub use pipeline::Pipeline;
pub use registry::{Commands, Registration};
pub(crate) use sign_in::{Offer, serve};
pub(crate) use wire::limited;

pub(crate) use protocol::Close;
pub(crate) use realtime::outbox::{Burst, Delivered, Dialect, Outbox};
