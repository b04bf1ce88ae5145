//! HTTP: the server of connections, REST, and files.

mod answers;
mod app;
mod authenticated;
mod bootstrap;
mod connection_limiter;
mod ice;
mod pace;
pub mod routes;
mod serve;
mod unread;
mod upload;

pub use answers::{Answers, Underway};
pub use app::{HttpApp, HttpParts};
pub use authenticated::{Asker, Authenticated, CallerId, Linked, RouteBudget};
pub use bootstrap::Bootstrap;
pub use ice::{IceServer, IceServers};
pub use serve::serve;
pub(crate) use unread::lent;
pub use upload::upload;
