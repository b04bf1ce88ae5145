//! The languages in which sockets are told the same things.

/// What a socket is told in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// One JSON object a frame: `/ws`.
    #[default]
    Plain,
    /// Engine.IO packets that carry Socket.IO ones, several in a frame: `/socket.io/`.
    SocketIo,
}
