//! A cable between a client and a server that a test can cut, let hang, and mend.

use std::{net::SocketAddr, sync::Arc};
use tokio::{
    io,
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_util::task::AbortOnDropHandle;

/// What the cable does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Bytes pass.
    Whole,
    /// Connections end, new ones end at once.
    Cut,
    /// Connections stand and carry nothing, as behind a network that drops packets.
    Hung,
}

/// A TCP proxy on loopback in front of one server. Dropping it ends all of its connections.
#[derive(Debug)]
pub struct Cable {
    address: SocketAddr,
    state: Arc<watch::Sender<State>>,
    _accepting: AbortOnDropHandle<()>,
}

impl Cable {
    /// A whole cable to `server`, such as `127.0.0.1:5672`.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn to(server: impl Into<String>) -> Self {
        let server = server.into();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(watch::Sender::new(State::Whole));
        let states = state.subscribe();
        let accepting = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, server.clone(), states.clone()));
            }
        });
        Self { address, state, _accepting: AbortOnDropHandle::new(accepting) }
    }

    /// Where clients connect to.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends all connections, and refuses new ones.
    pub fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    /// Leaves connections open and carries nothing more.
    pub fn hang(&self) {
        self.state.send_replace(State::Hung);
    }

    /// Carries again: what hung goes on, what was cut may connect anew.
    pub fn mend(&self) {
        self.state.send_replace(State::Whole);
    }
}

async fn carry(near: TcpStream, server: String, mut states: watch::Receiver<State>) {
    let cut = async |states: &mut watch::Receiver<State>| {
        // An error says that the cable is gone, which is as good as cut.
        let _ = states.wait_for(|state| *state == State::Cut).await;
    };
    let passing = {
        let mut states = states.clone();
        async move {
            let _ = states.wait_for(|state| *state != State::Hung).await;
            let Ok(far) = TcpStream::connect(server).await else { return };
            let _ = (near.set_nodelay(true), far.set_nodelay(true));
            let (near_read, near_write) = near.into_split();
            let (far_read, far_write) = far.into_split();
            tokio::select! {
                () = pass(near_read, far_write, states.clone()) => (),
                () = pass(far_read, near_write, states) => (),
            }
        }
    };
    tokio::select! {
        () = passing => (),
        () = cut(&mut states) => (),
    }
}

/// Carries one direction until it ends.
async fn pass(
    from: impl io::AsyncRead + Unpin,
    mut to: impl io::AsyncWrite + Unpin,
    mut states: watch::Receiver<State>,
) {
    let mut from = io::BufReader::with_capacity(64 * 1024, from);
    loop {
        let Ok(read) = io::AsyncBufReadExt::fill_buf(&mut from).await else { return };
        let length = read.len();
        if length == 0 || states.wait_for(|state| *state != State::Hung).await.is_err() {
            return;
        }
        if io::AsyncWriteExt::write_all(&mut to, read).await.is_err() {
            return;
        }
        io::AsyncBufReadExt::consume(&mut from, length);
    }
}

#[cfg(test)]
mod tests {
    use super::Cable;
    use std::time::Duration;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
        time::timeout,
    };

    #[tokio::test]
    async fn a_cable_carries_hangs_and_ends() {
        let echo = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let cable = Cable::to(echo.local_addr().unwrap().to_string()).await;
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = echo.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = socket.split();
                    tokio::io::copy(&mut read, &mut write).await
                });
            }
        });
        let mut socket = TcpStream::connect(cable.address()).await.unwrap();
        socket.write_all(b"a").await.unwrap();
        assert_eq!(socket.read_u8().await.unwrap(), b'a');
        cable.hang();
        socket.write_all(b"b").await.unwrap();
        assert!(timeout(Duration::from_millis(50), socket.read_u8()).await.is_err());
        cable.mend();
        assert_eq!(socket.read_u8().await.unwrap(), b'b');
        cable.cut();
        assert!(socket.read_u8().await.is_err());
        let mut refused = TcpStream::connect(cable.address()).await.unwrap();
        assert!(refused.read_u8().await.is_err());
    }
}
