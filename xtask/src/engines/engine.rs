//! An engine: its programs, its image and its first bytes.

use super::{docker::Image, private::Private};
use anyhow::Result;
use std::{net::SocketAddr, path::PathBuf, process::Command, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// The time limit of a start.
pub(super) const START: Duration = Duration::from_secs(120);

/// An engine, and how a private server of it is run.
pub(crate) struct Engine {
    /// In lower case, the name of its folder.
    pub(crate) name: &'static str,
    /// The variable of its URL for the server.
    pub(crate) variable: &'static str,
    /// The variable of its URL for the tests.
    pub(crate) test_variable: &'static str,
    /// Debian's package.
    pub(super) package: &'static str,
    /// The user of its processes when we are root, if it exists.
    pub(super) user: &'static str,
    pub(super) image: Image,
    /// The first bytes of a conversation, and of the answer of a server that is ready.
    pub(super) hello: &'static [u8],
    pub(super) ready: &'static [u8],
    pub(super) url: fn(SocketAddr) -> String,
    /// The installed program, or the folder of its programs.
    pub(super) find: fn() -> Option<PathBuf>,
    /// Fills the empty folder of a private server.
    pub(super) prepare: fn(&Private) -> Result<()>,
    /// A program that must run before the server.
    pub(super) companion: fn(&Private) -> Option<Command>,
    pub(super) server: fn(&Private) -> Command,
    /// The signal that ends it and its children at once.
    pub(super) end: &'static str,
}

impl Engine {
    /// Whether a server at `address` is ready for clients.
    pub(super) async fn is_ready(&self, address: SocketAddr) -> bool {
        ask(address, self.hello, self.ready).await
    }

    /// The name of its folders and containers.
    pub(crate) fn folder(&self) -> String {
        self.name.to_lowercase()
    }
}

/// Whether a server answers `question` with `answer`.
pub(super) async fn ask(address: SocketAddr, question: &[u8], answer: &[u8]) -> bool {
    let asked = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(question).await?;
        let mut answered = vec![0; answer.len()];
        stream.read_exact(&mut answered).await?;
        std::io::Result::Ok(answered == answer)
    };
    matches!(timeout(Duration::from_secs(5), asked).await, Ok(Ok(true)))
}
