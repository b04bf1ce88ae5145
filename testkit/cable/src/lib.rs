//! A cable between a client and a server that can be cut, hang, be mended, lead elsewhere, and swallow what it carries: a
//! TCP proxy on loopback, for tests and for `cargo xtask torture`.

use std::{io, net::SocketAddr, sync::Arc};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// What becomes of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Bytes pass.
    Whole,
    /// Connections end, new ones end at once.
    Cut,
    /// Connections stand and carry nothing, as behind a network that drops packets for a while.
    Hung,
}

/// What all connections go by.
#[derive(Clone, Debug)]
struct Line {
    state: State,
    /// A connection that was accepted in an earlier age is swallowed.
    age: u64,
    /// Where a new connection leads.
    server: Arc<str>,
}

/// A TCP proxy on loopback in front of one server. Dropping it ends all of its connections.
#[derive(Debug)]
pub struct Cable {
    address: SocketAddr,
    line: watch::Sender<Line>,
    accepting: JoinHandle<()>,
}

impl Cable {
    /// A whole cable to `server`, such as `127.0.0.1:5672`.
    ///
    /// # Panics
    /// When there is no port.
    #[expect(clippy::expect_used, reason = "a test that cannot be set up has failed")]
    pub async fn to(server: impl Into<String>) -> Self {
        Self::open(server).await.expect("a free port")
    }

    /// A whole cable to `server`.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn open(server: impl Into<String>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let line = watch::Sender::new(Line { state: State::Whole, age: 0, server: server.into().into() });
        let lines = line.subscribe();
        let accepting = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let age = lines.borrow().age;
                tokio::spawn(carry(near, age, lines.clone()));
            }
        });
        Ok(Self { address, line, accepting })
    }

    /// Where clients connect to.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends all connections, and refuses new ones.
    pub fn cut(&self) {
        self.line.send_modify(|line| line.state = State::Cut);
    }

    /// Leaves connections open and carries nothing more; new ones are accepted and lead nowhere.
    pub fn hang(&self) {
        self.line.send_modify(|line| line.state = State::Hung);
    }

    /// Carries again: what hung goes on, what was cut may connect anew. What was swallowed stays so.
    pub fn mend(&self) {
        self.line.send_modify(|line| line.state = State::Whole);
    }

    /// The connections there are go silent for good, as when the other host is gone without a word: what either side
    /// says is taken and lost, and that a side has ended is kept from the other. New connections pass.
    pub fn swallow(&self) {
        self.line.send_modify(|line| line.age += 1);
    }

    /// New connections lead to another server; those there are stay where they are.
    pub fn lead_to(&self, server: impl Into<String>) {
        let server = server.into().into();
        self.line.send_modify(|line| line.server = server);
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// One connection, until it ends or the cable is gone.
async fn carry(mut near: TcpStream, age: u64, mut lines: watch::Receiver<Line>) {
    let mut far = None;
    let is_swallowed = {
        let passing = pass_both(&mut near, &mut far, lines.clone());
        tokio::select! {
            () = passing => false,
            line = lines.wait_for(|line| line.state == State::Cut || line.age != age) => {
                // An error says that the cable is gone.
                line.is_ok_and(|line| line.state != State::Cut)
            }
        }
    };
    if is_swallowed {
        let gone = async { while lines.changed().await.is_ok() {} };
        let swallowing = async { tokio::join!(swallow(Some(near)), swallow(far)) };
        tokio::select! {
            _ = swallowing => (),
            () = gone => (),
        }
    }
}

/// Takes whatever one side says, and keeps the connection when it has ended.
async fn swallow(side: Option<TcpStream>) {
    if let Some(mut side) = side {
        let mut lost = vec![0; 16 * 1024];
        while side.read(&mut lost).await.is_ok_and(|count| count > 0) {}
        std::future::pending::<()>().await;
    }
}

async fn pass_both(near: &mut TcpStream, far: &mut Option<TcpStream>, mut lines: watch::Receiver<Line>) {
    let Ok(server) = lines.wait_for(|line| line.state != State::Hung).await.map(|line| Arc::clone(&line.server)) else {
        return;
    };
    let Ok(connected) = TcpStream::connect(&*server).await else { return };
    let far = far.insert(connected);
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let (near_read, near_write) = near.split();
    let (far_read, far_write) = far.split();
    tokio::select! {
        () = pass(near_read, far_write, lines.clone()) => (),
        () = pass(far_read, near_write, lines) => (),
    }
}

/// Carries one direction until it ends.
async fn pass(from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, mut lines: watch::Receiver<Line>) {
    let mut from = BufReader::with_capacity(64 * 1024, from);
    loop {
        let Ok(read) = from.fill_buf().await else { return };
        let length = read.len();
        if length == 0 || lines.wait_for(|line| line.state != State::Hung).await.is_err() {
            return;
        }
        if to.write_all(read).await.is_err() {
            return;
        }
        from.consume(length);
    }
}

#[cfg(test)]
mod tests {
    use super::Cable;
    use std::{net::SocketAddr, time::Duration};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
        sync::mpsc,
        time::timeout,
    };

    /// A server that answers each byte with itself plus `plus`, and says when a connection has ended.
    async fn server(plus: u8) -> (SocketAddr, mpsc::UnboundedReceiver<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (end, ended) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let end = end.clone();
                tokio::spawn(async move {
                    while let Ok(byte) = socket.read_u8().await {
                        socket.write_u8(byte + plus).await.unwrap();
                    }
                    let _ = end.send(());
                });
            }
        });
        (address, ended)
    }

    async fn answer(socket: &mut TcpStream, byte: u8) -> u8 {
        socket.write_u8(byte).await.unwrap();
        socket.read_u8().await.unwrap()
    }

    async fn is_silent(socket: &mut TcpStream) -> bool {
        timeout(Duration::from_millis(50), socket.read_u8()).await.is_err()
    }

    #[tokio::test]
    async fn a_cable_carries_hangs_and_ends() {
        let cable = Cable::to(server(0).await.0.to_string()).await;
        let mut socket = TcpStream::connect(cable.address()).await.unwrap();
        assert_eq!(answer(&mut socket, b'a').await, b'a');
        cable.hang();
        socket.write_u8(b'b').await.unwrap();
        assert!(is_silent(&mut socket).await);
        cable.mend();
        assert_eq!(socket.read_u8().await.unwrap(), b'b');
        cable.cut();
        assert!(socket.read_u8().await.is_err());
        let mut refused = TcpStream::connect(cable.address()).await.unwrap();
        assert!(refused.read_u8().await.is_err());
    }

    #[tokio::test]
    async fn what_is_swallowed_is_silent_on_both_sides_and_new_connections_pass() {
        let (address, mut ended) = server(0).await;
        let cable = Cable::to(address.to_string()).await;
        let mut old = TcpStream::connect(cable.address()).await.unwrap();
        assert_eq!(answer(&mut old, b'a').await, b'a');
        cable.swallow();
        old.write_u8(b'b').await.unwrap();
        assert!(is_silent(&mut old).await);
        let mut new = TcpStream::connect(cable.address()).await.unwrap();
        assert_eq!(answer(&mut new, b'c').await, b'c');
        drop(old);
        assert!(timeout(Duration::from_millis(50), ended.recv()).await.is_err(), "the end was passed on");
        drop(new);
        ended.recv().await.unwrap();
        drop(cable);
        ended.recv().await.unwrap();
    }

    #[tokio::test]
    async fn new_connections_lead_to_the_other_server() {
        let cable = Cable::to(server(0).await.0.to_string()).await;
        let mut old = TcpStream::connect(cable.address()).await.unwrap();
        assert_eq!(answer(&mut old, b'a').await, b'a');
        cable.lead_to(server(1).await.0.to_string());
        let mut new = TcpStream::connect(cable.address()).await.unwrap();
        assert_eq!((answer(&mut old, b'a').await, answer(&mut new, b'a').await), (b'a', b'b'));
    }
}
