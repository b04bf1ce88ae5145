//! Socket.IO at `/socket.io/` (protocol 5, Engine.IO 4): polling and WebSocket, over the same session core as `/ws`.
//!
//! Our own engine, because its limits must hold on both transports: `docs/adr/0012-our-own-socket-io-engine.md`.

mod answer;
mod ask;
mod engine;
mod line;
mod packet;
mod polling;
mod push;
mod requests;
mod sessions;
mod signal;
mod upgrade;

pub use engine::{EngineError, Open};
pub use push::{Happened, Template};
pub(crate) use requests::routes;
pub use sessions::Sessions;
pub use signal::signal;
