//! The core of a socket's session, whatever door it came through: credentials, seat, catching up, outbox, order of
//! commands, limits, signs of life, reasons to close. A door adds a transport and a codec ([`door::Door`]).

mod close;
mod dialect;
mod door;
mod ears;
mod flood;
mod origin;
mod outbox;
mod pipeline;
mod socket;
mod welcome;
mod wire;

pub use close::Close;
pub use dialect::Dialect;
pub(crate) use door::{Answered, BURST, Door, Gone, Heard, Inbound, Turn, Want};
pub use flood::Flood;
pub(crate) use origin::{Origins, check_origin, pairs, token_in_query};
pub use outbox::{Burst, Offered, Outbox, Told};
pub use pipeline::Pipeline;
pub(crate) use socket::{Offer, serve};
pub use welcome::{Auth, CursorNow, Hello, HelloBody, HelloLimits, SignedOn, Sync};
pub(crate) use wire::{Wire, limited};
