//! The sockets: their sessions, the raw WebSocket, Socket.IO, and the document of all.

mod app;
pub mod asyncapi;
pub mod peers;
pub mod session;
pub mod sio;
pub mod ws;

pub use app::SocketApp;

use utoipa_axum::router::OpenApiRouter;

/// The routes at which sockets open.
pub fn routes() -> OpenApiRouter<SocketApp> {
    OpenApiRouter::new().merge(ws::routes()).merge(sio::routes())
}
