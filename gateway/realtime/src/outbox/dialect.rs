//! The frame formats in which sockets receive the same pushes.

/// The frame format of a socket's pushes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// One JSON object a frame: `/ws`.
    #[default]
    Plain,
    /// Engine.IO packets that carry Socket.IO ones, several in a frame: `/socket.io/`.
    SocketIo,
}

impl Dialect {
    /// The door that speaks it, as metrics name it.
    #[must_use]
    pub const fn door(self) -> &'static str {
        match self {
            Self::Plain => "ws",
            Self::SocketIo => "socket.io",
        }
    }
}
