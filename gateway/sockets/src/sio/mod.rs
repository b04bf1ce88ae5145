//! Socket.IO at `/socket.io/` (protocol 5, Engine.IO 4): polling and WebSocket, over the same session core as `/ws`.
//!
//! The transports and packets are those of the crate `engine-io`; here is what they mean to ChatChit.

mod answer;
mod ask;
mod line;
mod requests;
mod sessions;
mod sid;

pub use engine_io::{EngineError, Open};
pub(crate) use requests::routes;
pub use sessions::Sessions;
