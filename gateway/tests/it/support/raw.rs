//! A client of plain TCP, for attacks.

use super::soon;
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// A connection without a protocol.
pub(crate) struct Raw(TcpStream);

/// A frame of a client, whole or a fragment; its mask is zero.
pub(crate) fn frame(last: bool, opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = head(last, opcode, payload.len() as u64);
    frame.extend_from_slice(payload);
    frame
}

/// The head of a frame that announces so many bytes.
pub(crate) fn head(last: bool, opcode: u8, bytes: u64) -> Vec<u8> {
    let mut head = vec![u8::from(last) << 7 | opcode];
    match bytes {
        ..126 => head.push(0x80 | bytes as u8),
        126..0x1_0000 => {
            head.push(0x80 | 126);
            head.extend_from_slice(&(bytes as u16).to_be_bytes());
        }
        _ => {
            head.push(0x80 | 127);
            head.extend_from_slice(&bytes.to_be_bytes());
        }
    }
    head.extend_from_slice(&[0; 4]);
    head
}

impl Raw {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self(soon("a connection", TcpStream::connect(address)).await.unwrap())
    }

    /// A WebSocket at `path`, open.
    pub(crate) async fn socket(address: SocketAddr, path: &str, headers: &str) -> Self {
        let mut raw = Self::connect(address).await;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        );
        assert!(raw.send(request.as_bytes()).await);
        let answer = raw.answer_head().await;
        assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
        raw
    }

    /// Sends bytes. False once the server accepts none.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> bool {
        soon("bytes to be sent", self.0.write_all(bytes)).await.is_ok()
    }

    /// The head of an answer.
    pub(crate) async fn answer_head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match soon("an answer", self.0.read_u8()).await {
                Ok(byte) => head.push(byte),
                Err(_) => break,
            }
        }
        String::from_utf8_lossy(&head).into_owned()
    }

    /// An answer: its head and its body.
    pub(crate) async fn answer(&mut self) -> (String, Vec<u8>) {
        let head = self.answer_head().await.to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        soon("the body of an answer", self.0.read_exact(&mut body)).await.expect("a whole body");
        (head, body)
    }

    /// All bytes until the server closes the connection.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // A reset ends it as well.
        let _ = soon("the server to hang up", self.0.read_to_end(&mut rest)).await;
        rest
    }

    /// Whether the server closes the connection within `time`.
    pub(crate) async fn is_over(&mut self, time: Duration) -> bool {
        let mut byte = [0];
        timeout(time, self.0.read(&mut byte)).await.is_ok_and(|read| read.map_or(true, |count| count == 0))
    }

    /// The code with which the server closes the WebSocket; `None` without one.
    pub(crate) async fn close_code(&mut self) -> Option<u16> {
        loop {
            let [first, second] = [self.byte().await?, self.byte().await?];
            let length = match second {
                126 => usize::from(u16::from_be_bytes([self.byte().await?, self.byte().await?])),
                127 => usize::try_from(soon("a length", self.0.read_u64()).await.ok()?).unwrap(),
                short => usize::from(short),
            };
            let mut payload = vec![0; length];
            soon("a frame", self.0.read_exact(&mut payload)).await.ok()?;
            if first & 0x0f == 8 {
                return Some(u16::from_be_bytes(payload.get(..2)?.try_into().unwrap()));
            }
        }
    }

    async fn byte(&mut self) -> Option<u8> {
        soon("a byte", self.0.read_u8()).await.ok()
    }
}
