//! A minimal WebSocket client (RFC 6455): whole text frames, no copies on the way in, a mask of zeros on the way out.
//! The client shares the machine with the server, so it must be cheap.

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
    ops::Range,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, Interest},
    net::{TcpSocket, TcpStream},
};

const TEXT: u8 = 0x1;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;
const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;
const READ: usize = 16 * 1024;

/// The reason why a socket did not open, or ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Ended {
    #[error("the upgrade was refused: {0}")]
    Refused(u16),
    /// Closed by the server, with its code.
    #[error("closed by the server: {0}")]
    Closed(u16),
    #[error("the connection is gone: {0}")]
    Gone(#[from] io::Error),
    #[error("{0}")]
    Nonsense(&'static str),
}

impl Ended {
    /// The protocol forbids to reconnect after this end.
    pub(crate) const fn is_final(&self) -> bool {
        match self {
            Self::Refused(status) => *status < 500 && !matches!(status, 408 | 429),
            Self::Closed(code) => matches!(code, 1003 | 1007 | 1008 | 1009 | 4001 | 4009),
            Self::Gone(_) => false,
            Self::Nonsense(_) => true,
        }
    }

    /// A short name for counting.
    pub(crate) fn kind(&self) -> String {
        match self {
            Self::Refused(status) => format!("refused {status}"),
            Self::Closed(code) => format!("closed {code}"),
            Self::Gone(_) => "gone".to_owned(),
            Self::Nonsense(_) => "nonsense".to_owned(),
        }
    }
}

/// An open socket. Only [`ready`](Self::ready) waits.
pub(crate) struct Socket {
    stream: TcpStream,
    incoming: Vec<u8>,
    /// The part of `incoming` that was handed out.
    taken: usize,
    /// Bytes that are not written yet.
    outgoing: Vec<u8>,
}

impl Socket {
    /// Opens `/ws` with an access token, and with a cursor to resume from.
    pub(crate) async fn open(address: SocketAddr, token: &str, since: Option<&str>) -> Result<Self, Ended> {
        Self::upgrade(TcpStream::connect(address).await?, address, &path(since), Some(token)).await
    }

    /// As [`open`](Self::open), with a receive buffer of so many bytes: what is not read waits at the server.
    pub(crate) async fn open_narrow(
        address: SocketAddr,
        token: &str,
        since: Option<&str>,
        buffer: u32,
    ) -> Result<Self, Ended> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_recv_buffer_size(buffer)?;
        Self::upgrade(socket.connect(address).await?, address, &path(since), Some(token)).await
    }

    /// Opens another path, without a token.
    pub(crate) async fn open_path(address: SocketAddr, path: &str) -> Result<Self, Ended> {
        Self::upgrade(TcpStream::connect(address).await?, address, path, None).await
    }

    async fn upgrade(
        mut stream: TcpStream,
        address: SocketAddr,
        path: &str,
        token: Option<&str>,
    ) -> Result<Self, Ended> {
        stream.set_nodelay(true)?;
        let credentials = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: Y2hhdGNoaXQtbG9hZGdlbg==\r\n{credentials}\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut incoming = Vec::with_capacity(READ);
        let head = loop {
            if stream.read_buf(&mut incoming).await? == 0 {
                return Err(io::Error::from(ErrorKind::UnexpectedEof).into());
            }
            if let Some(end) = memchr::memmem::find(&incoming, b"\r\n\r\n") {
                break end + 4;
            }
        };
        match status(&incoming) {
            Some(101) => Ok(Self { stream, incoming, taken: head, outgoing: Vec::with_capacity(512) }),
            Some(status) => Err(Ended::Refused(status)),
            None => Err(Ended::Nonsense("the server does not speak HTTP/1.1")),
        }
    }

    /// Waits until there may be something to [`take`](Self::take), or room to write. Cancel-safe.
    pub(crate) async fn ready(&self) -> Result<(), Ended> {
        // What came in one piece with the answer to the upgrade, or with the hello, announces itself by nothing else.
        if !matches!(Frame::parse(&self.incoming[self.taken..]), Ok(None)) {
            return Ok(());
        }
        let interest = if self.has_backlog() { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        self.stream.ready(interest).await?;
        Ok(())
    }

    /// Writes pending bytes, passes the text of every received frame to `each`, and answers pings.
    pub(crate) fn take(&mut self, mut each: impl FnMut(&[u8])) -> Result<(), Ended> {
        self.flush()?;
        loop {
            while let Some(text) = self.next()? {
                each(&self.incoming[text]);
            }
            if !self.read()? {
                return Ok(());
            }
        }
    }

    /// The text of the first received frame.
    pub(crate) fn take_one(&mut self) -> Result<Option<Vec<u8>>, Ended> {
        loop {
            if let Some(text) = self.next()? {
                return Ok(Some(self.incoming[text].to_vec()));
            }
            if !self.read()? {
                return Ok(None);
            }
        }
    }

    /// Sends a text frame, now or as soon as there is room.
    pub(crate) fn send(&mut self, text: &[u8]) -> Result<(), Ended> {
        self.write(TEXT, text)
    }

    const fn has_backlog(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// The next text frame in the buffer.
    fn next(&mut self) -> Result<Option<Range<usize>>, Ended> {
        while let Some(frame) = Frame::parse(&self.incoming[self.taken..])? {
            let start = self.taken + frame.start;
            let text = start..start + frame.length;
            self.taken = text.end;
            match frame.opcode {
                TEXT => return Ok(Some(text)),
                PING => {
                    let payload = self.incoming[text].to_vec();
                    self.write(PONG, &payload)?;
                }
                CLOSE => return Err(Ended::Closed(code(&self.incoming[text]))),
                _ => {}
            }
        }
        Ok(None)
    }

    /// Reads more. False: there was nothing.
    fn read(&mut self) -> Result<bool, Ended> {
        self.incoming.drain(..self.taken);
        self.taken = 0;
        self.incoming.reserve(READ);
        match self.stream.try_read_buf(&mut self.incoming) {
            Ok(0) => Err(io::Error::from(ErrorKind::UnexpectedEof).into()),
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn write(&mut self, opcode: u8, payload: &[u8]) -> Result<(), Ended> {
        self.outgoing.push(FINAL | opcode);
        match payload.len() {
            length @ 0..126 => self.outgoing.push(MASKED | length as u8),
            length @ 126..65_536 => {
                self.outgoing.push(MASKED | 126);
                self.outgoing.extend((length as u16).to_be_bytes());
            }
            _ => return Err(Ended::Nonsense("a frame is longer than this client sends")),
        }
        self.outgoing.extend([0; 4]);
        self.outgoing.extend(payload);
        self.flush()
    }

    fn flush(&mut self) -> Result<(), Ended> {
        while !self.outgoing.is_empty() {
            match self.stream.try_write(&self.outgoing) {
                Ok(written) => drop(self.outgoing.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

struct Frame {
    opcode: u8,
    start: usize,
    length: usize,
}

impl Frame {
    /// The frame at the start of `bytes`, if it is complete.
    fn parse(bytes: &[u8]) -> Result<Option<Self>, Ended> {
        let [first, second, rest @ ..] = bytes else { return Ok(None) };
        if first & FINAL == 0 {
            return Err(Ended::Nonsense("the server sent a fragment"));
        }
        if second & MASKED != 0 {
            return Err(Ended::Nonsense("the server sent a masked frame"));
        }
        let (start, length) = match (second, rest) {
            (126, [a, b, ..]) => (4, usize::from(u16::from_be_bytes([*a, *b]))),
            (127, [0, 0, 0, 0, a, b, c, d, ..]) => (10, u32::from_be_bytes([*a, *b, *c, *d]) as usize),
            (127, rest) if rest.len() >= 8 => {
                return Err(Ended::Nonsense("the server sent a frame of more than 4 GiB"));
            }
            (126 | 127, _) => return Ok(None),
            (length, _) => (2, usize::from(*length)),
        };
        Ok((bytes.len() >= start + length).then_some(Self { opcode: first & 0x0f, start, length }))
    }
}

/// The path of the sockets, with a cursor to resume from.
fn path(since: Option<&str>) -> String {
    since.map_or("/ws".to_owned(), |cursor| format!("/ws?since={cursor}"))
}

/// The status of an answer's head.
fn status(head: &[u8]) -> Option<u16> {
    std::str::from_utf8(head.strip_prefix(b"HTTP/1.1 ")?.get(..3)?).ok()?.parse().ok()
}

/// The code of a close frame; 1005 when it has none (RFC 6455, 7.1.5).
fn code(payload: &[u8]) -> u16 {
    match payload {
        [a, b, ..] => u16::from_be_bytes([*a, *b]),
        _ => 1005,
    }
}

#[cfg(test)]
mod tests {
    use super::{Ended, Frame, code, status};

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

    #[test]
    fn who_is_sent_away_for_good_stays_away() {
        assert_eq!(
            (status(b"HTTP/1.1 503 x"), status(b"HTTP/1.1"), code(&[0x0f, 0xa8, b'x'])),
            (Some(503), None, 4008)
        );
        let comes_back = [1001, 1005, 1011, 1012, 4008, 4029].map(Ended::Closed);
        assert!(comes_back.iter().chain(&[429, 503].map(Ended::Refused)).all(|ended| !ended.is_final()));
        assert!([1008, 4001, 4009].map(Ended::Closed).iter().chain(&[401].map(Ended::Refused)).all(Ended::is_final));
    }
}
