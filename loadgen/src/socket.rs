//! The least of a WebSocket client (RFC 6455): whole text frames, no copies on the way in, a mask of zeros on the
//! way out. What it costs is not the server's, so it costs little.

use anyhow::{Context, Result, bail, ensure};
use std::{io::ErrorKind, net::SocketAddr};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const TEXT: u8 = 0x1;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;
const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;
const READ: usize = 16 * 1024;

/// An open socket.
pub(crate) struct Socket {
    stream: TcpStream,
    incoming: Vec<u8>,
    /// What of `incoming` was handed out.
    taken: usize,
    outgoing: Vec<u8>,
}

impl Socket {
    /// Opens `/ws` with an access token.
    pub(crate) async fn open(address: SocketAddr, token: &str) -> Result<Self> {
        let mut stream = TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: Y2hhdGNoaXQtbG9hZGdlbg==\r\n\
             Authorization: Bearer {token}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut incoming = Vec::with_capacity(READ);
        let head = loop {
            ensure!(stream.read_buf(&mut incoming).await? > 0, "the server closed during the handshake");
            if let Some(end) = memchr::memmem::find(&incoming, b"\r\n\r\n") {
                break end + 4;
            }
        };
        if !incoming.starts_with(b"HTTP/1.1 101") {
            bail!("the server refused the upgrade: {}", String::from_utf8_lossy(&incoming));
        }
        Ok(Self { stream, incoming, taken: head, outgoing: Vec::with_capacity(512) })
    }

    /// Waits until there may be something to [`take`](Self::take). Cancel-safe.
    pub(crate) async fn readable(&self) -> Result<()> {
        Ok(self.stream.readable().await?)
    }

    /// Hands `each` the text of every frame that has arrived; answers pings.
    pub(crate) async fn take(&mut self, mut each: impl FnMut(&[u8])) -> Result<()> {
        loop {
            while let Some(frame) = Frame::parse(&self.incoming[self.taken..])? {
                let start = self.taken + frame.start;
                let end = start + frame.length;
                self.taken = end;
                match frame.opcode {
                    TEXT => each(&self.incoming[start..end]),
                    PING => {
                        let payload = self.incoming[start..end].to_vec();
                        self.write(PONG, &payload).await?;
                    }
                    CLOSE => bail!("the server closed the socket: {}", reason(&self.incoming[start..end])),
                    _ => {}
                }
            }
            self.incoming.drain(..self.taken);
            self.taken = 0;
            self.incoming.reserve(READ);
            match self.stream.try_read_buf(&mut self.incoming) {
                Ok(0) => bail!("the server closed the connection"),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Sends a text frame.
    pub(crate) async fn send(&mut self, text: &[u8]) -> Result<()> {
        self.write(TEXT, text).await
    }

    async fn write(&mut self, opcode: u8, payload: &[u8]) -> Result<()> {
        self.outgoing.clear();
        self.outgoing.push(FINAL | opcode);
        match payload.len() {
            length @ 0..126 => self.outgoing.push(MASKED | length as u8),
            length @ 126..65_536 => {
                self.outgoing.push(MASKED | 126);
                self.outgoing.extend((length as u16).to_be_bytes());
            }
            length => bail!("a frame of {length} bytes is more than this client sends"),
        }
        self.outgoing.extend([0; 4]);
        self.outgoing.extend(payload);
        Ok(self.stream.write_all(&self.outgoing).await?)
    }
}

struct Frame {
    opcode: u8,
    start: usize,
    length: usize,
}

impl Frame {
    /// The frame at the start of `bytes`, once all of it is there.
    fn parse(bytes: &[u8]) -> Result<Option<Self>> {
        let [first, second, rest @ ..] = bytes else { return Ok(None) };
        ensure!(first & FINAL != 0, "the server sent a fragment");
        ensure!(second & MASKED == 0, "the server sent a masked frame");
        let (start, length) = match (second, rest) {
            (126, [a, b, ..]) => (4, usize::from(u16::from_be_bytes([*a, *b]))),
            (127, [0, 0, 0, 0, a, b, c, d, ..]) => (10, u32::from_be_bytes([*a, *b, *c, *d]) as usize),
            (127, rest) if rest.len() >= 8 => bail!("the server sent a frame of more than 4 GiB"),
            (126 | 127, _) => return Ok(None),
            (length, _) => (2, usize::from(*length)),
        };
        Ok((bytes.len() >= start + length).then_some(Self { opcode: first & 0x0f, start, length }))
    }
}

fn reason(payload: &[u8]) -> String {
    match payload {
        [a, b, text @ ..] => format!("{} {}", u16::from_be_bytes([*a, *b]), String::from_utf8_lossy(text)),
        _ => "without a code".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::Frame;

    #[test]
    fn a_frame_is_there_once_all_of_it_is() {
        let mut bytes = vec![0x81, 126, 0, 200];
        bytes.extend([b'x'; 199]);
        assert!(Frame::parse(&bytes).unwrap().is_none());
        bytes.push(b'x');
        let frame = Frame::parse(&bytes).unwrap().unwrap();
        assert_eq!((frame.opcode, frame.start, frame.length), (1, 4, 200));
        assert!(Frame::parse(&[0x81]).unwrap().is_none());
        assert!(Frame::parse(&[0x01, 0]).is_err());
    }
}
