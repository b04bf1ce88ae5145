//! A client's connection: it opens a socket at one of the gateways, and resumes by its cursor.

use crate::{
    frames::text_after,
    server::unique,
    socket::{Ended, Socket},
};
use memchr::memmem::find;
use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::mpsc::UnboundedReceiver,
    time::{sleep, timeout},
};

/// The time limit of an upgrade and its hello.
const GREETING: Duration = Duration::from_secs(10);
/// The pause before the next attempt: least and most (milliseconds).
const PAUSE: (u64, u64) = (50, 500);
/// The pause of a socket that was closed for flooding (milliseconds).
const FLOODING: u64 = 2_000;

const CURSOR: &[u8] = br#""cursor":""#;
const HELLO: &[u8] = br#""hello":"#;
const RECOVERED: &[u8] = br#""recovered":true"#;

pub(crate) struct Client {
    doors: Arc<[SocketAddr]>,
    door: usize,
    token: String,
    cursor: Cursor,
    /// Bytes that the kernel receives ahead of the client; `None`: as many as it likes.
    buffer: Option<u32>,
}

/// An opaque resume point.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor(Option<String>);

impl Client {
    pub(crate) fn new(doors: Arc<[SocketAddr]>, preferred: usize, token: String) -> Self {
        Self { door: preferred % doors.len(), doors, token, cursor: Cursor::default(), buffer: None }
    }

    /// A client for which the kernel receives at most so many bytes ahead.
    pub(crate) fn with_buffer(self, bytes: u32) -> Self {
        Self { buffer: Some(bytes), ..self }
    }

    /// Opens a socket at the preferred gateway. Returns also the cursor of its begin.
    pub(crate) async fn connect(&mut self) -> Result<(Socket, Cursor), Ended> {
        let (socket, hello) = self.knock().await?;
        let mut cursor = Cursor::default();
        cursor.note(&hello);
        Ok((socket, cursor))
    }

    /// Pauses after the end of a socket, and tries one gateway after the other. Returns also whether the server sends everything
    /// after `cursor`.
    ///
    /// # Errors
    /// If the server forbids to reconnect.
    pub(crate) async fn come_back(&mut self, why: &Ended, cursor: &Cursor) -> Result<(Socket, bool), Ended> {
        let flooding = if matches!(why, Ended::Closed(4029)) { FLOODING } else { 0 };
        self.pause(Duration::from_millis(flooding)).await;
        self.resume(cursor).await
    }

    /// As [`come_back`](Self::come_back). Turns that arrive meanwhile are passed to `each`.
    pub(crate) async fn come_back_during<T>(
        &mut self,
        why: &Ended,
        cursor: &Cursor,
        turns: &mut UnboundedReceiver<T>,
        mut each: impl FnMut(T),
    ) -> Result<(Socket, bool), Ended> {
        let mut coming = pin!(self.come_back(why, cursor));
        loop {
            tokio::select! {
                back = coming.as_mut() => return back,
                Some(turn) = turns.recv() => each(turn),
            }
        }
    }

    /// As [`come_back`](Self::come_back), without a pause before the first attempt.
    pub(crate) async fn resume(&mut self, cursor: &Cursor) -> Result<(Socket, bool), Ended> {
        self.cursor = cursor.clone();
        loop {
            match self.knock().await {
                Ok((socket, hello)) => return Ok((socket, find(&hello, RECOVERED).is_some())),
                Err(ended) if ended.is_final() => return Err(ended),
                Err(_) => self.pause(Duration::ZERO).await,
            }
        }
    }

    async fn pause(&mut self, more: Duration) {
        sleep(jittered(PAUSE.0, PAUSE.1) + more).await;
        self.door = (self.door + 1) % self.doors.len();
    }

    async fn knock(&self) -> Result<(Socket, Vec<u8>), Ended> {
        let greeted = async {
            let (door, since) = (self.doors[self.door], self.cursor.0.as_deref());
            let mut socket = match self.buffer {
                Some(buffer) => Socket::open_narrow(door, &self.token, since, buffer).await?,
                None => Socket::open(door, &self.token, since).await?,
            };
            loop {
                // The hello may have come together with the upgrade: so look before waiting. What follows it stays.
                match socket.take_one()? {
                    Some(hello) if find(&hello, HELLO).is_some() => return Ok((socket, hello)),
                    Some(_) => return Err(Ended::Nonsense("the first frame is no hello")),
                    None => socket.ready().await?,
                }
            }
        };
        timeout(GREETING, greeted).await.unwrap_or_else(|_| Err(io::Error::from(ErrorKind::TimedOut).into()))
    }
}

impl Cursor {
    /// Takes the cursor of a frame, if it has one.
    pub(crate) fn note(&mut self, frame: &[u8]) {
        let Some(word) = text_after(frame, CURSOR) else { return };
        let cursor = self.0.get_or_insert_default();
        cursor.clear();
        cursor.push_str(word);
    }
}

/// A random pause between two lengths (milliseconds).
pub(crate) fn jittered(least: u64, most: u64) -> Duration {
    Duration::from_millis(least + unique() % (most - least))
}

#[cfg(test)]
mod tests {
    use super::Cursor;

    #[test]
    fn the_cursor_is_that_of_the_last_frame_that_has_one() {
        let mut cursor = Cursor::default();
        for frame in [r#"{"event":"x","cursor":"abc","data":{}}"#, r#"{"reply":"1"}"#, r#"{"hello":{"cursor":"d-_"}}"#]
        {
            cursor.note(frame.as_bytes());
        }
        assert_eq!(cursor, Cursor(Some("d-_".to_owned())));
    }
}
