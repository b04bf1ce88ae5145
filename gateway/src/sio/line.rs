//! The door `/socket.io/`: polled or over a WebSocket, and Socket.IO's packets.

use super::{
    answer,
    ask::{self, Ask},
    engine::{CLOSE, PING, heard, packets},
    packet::{event, joined},
    polling::{Came, Polled},
    sessions::Place,
};
use crate::{
    Problem,
    session::{Answered, BURST, Burst, Close, Dialect, Door, Gone, Heard, Hello, Inbound, Outbox, Turn, Wire},
};
use axum::extract::ws::Utf8Bytes;
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;

/// How long a client that is polled may take to fetch why it is sent away.
const FAREWELL: Duration = Duration::from_secs(5);

/// A client of `/socket.io/`.
pub(super) struct Line {
    carrier: Carrier,
    /// What it is called in the answer to its CONNECT.
    name: String,
    /// What was not fetched when it moved to a WebSocket.
    left: Option<Utf8Bytes>,
    is_connected: bool,
}

enum Carrier {
    Socket(Box<Wire>),
    Polled(Box<Polled>, Place),
}

impl Line {
    pub(super) fn over_socket(wire: Wire, name: String) -> Self {
        Self { carrier: Carrier::Socket(Box::new(wire)), name, left: None, is_connected: false }
    }

    pub(super) fn polled(polled: Polled, place: Place, name: String) -> Self {
        Self { carrier: Carrier::Polled(Box::new(polled), place), name, left: None, is_connected: false }
    }

    fn move_to(&mut self, wire: Box<Wire>, left: String) {
        self.carrier = Carrier::Socket(wire);
        self.left = Some(left).filter(|left| !left.is_empty()).map(Utf8Bytes::from);
    }

    /// Takes what came to a session that is polled.
    fn take(&mut self, came: Came) -> Option<Heard> {
        match came {
            Came::Packet(packet) => Some(heard(packet)),
            Came::Bad(why) => Some(Heard::Bad(why)),
            Came::Gone => Some(Heard::Gone),
            Came::Poll => None,
            Came::Moved(wire) => {
                let left = match &mut self.carrier {
                    Carrier::Polled(polled, _) => polled.unsent(),
                    Carrier::Socket(_) => String::new(),
                };
                self.move_to(wire, left);
                None
            }
        }
    }
}

impl Door for Line {
    type Ask = Ask;

    const DIALECT: Dialect = Dialect::SocketIo;

    async fn hear(&mut self) -> Heard {
        loop {
            let came = match &mut self.carrier {
                Carrier::Socket(wire) => {
                    return match wire.hear().await {
                        Heard::Text(packet) => heard(packet),
                        other => other,
                    };
                }
                Carrier::Polled(polled, _) => {
                    if polled.must_answer() {
                        polled.noop();
                    }
                    polled.next(true).await
                }
            };
            if let Some(heard) = self.take(came) {
                return heard;
            }
        }
    }

    async fn turn(&mut self, outbox: &Outbox, hears: bool) -> Turn {
        loop {
            if let (Some(left), Carrier::Socket(_)) = (&mut self.left, &self.carrier) {
                let frames = vec![std::mem::take(left)];
                self.left = None;
                return Turn::Write(Burst { frames, close: None });
            }
            let Carrier::Polled(polled, _) = &mut self.carrier else {
                return tokio::select! {
                    burst = outbox.next(BURST) => Turn::Write(burst),
                    heard = self.hear(), if hears => Turn::Heard(heard),
                };
            };
            let (is_polled, must_answer) = (polled.is_polled(), polled.must_answer());
            let came = tokio::select! {
                biased;
                burst = outbox.next(BURST), if is_polled => return Turn::Write(burst),
                // Whoever does not poll is sent away all the same.
                burst = outbox.last(), if !is_polled => return Turn::Write(burst),
                () = std::future::ready(()), if must_answer => Came::Poll,
                came = polled.next(hears) => came,
            };
            if must_answer && matches!(came, Came::Poll) {
                polled.noop();
            }
            if let Some(heard) = self.take(came) {
                return Turn::Heard(heard);
            }
        }
    }

    async fn write(&mut self, mut frames: Vec<Utf8Bytes>) -> Result<(), Gone> {
        if let Carrier::Polled(polled, _) = &mut self.carrier {
            let text = joined(frames.drain(..).map(|frame| frame.to_string()));
            let moved = match text {
                Some(text) => polled.write(text).await?,
                None => None,
            };
            let Some((wire, left)) = moved else { return Ok(()) };
            self.move_to(wire, left);
        }
        let Carrier::Socket(wire) = &mut self.carrier else { return Ok(()) };
        wire.write(self.left.take().into_iter().chain(frames).flat_map(packets)).await
    }

    async fn ping(&mut self) -> Result<(), Gone> {
        match &mut self.carrier {
            Carrier::Socket(wire) => wire.write([PING]).await,
            Carrier::Polled(polled, _) => {
                polled.ping();
                Ok(())
            }
        }
    }

    /// Says why in an event. A client that is to come back loses its transport, upon which it does; another is
    /// disconnected, upon which it does not.
    async fn close(self, why: Close) {
        let mut words = Vec::new();
        if self.is_connected && why != Close::Normal {
            words.push(event("close", &json!({"code": why.code(), "reason": why.reason()})));
            if !why.invites_back() {
                words.push("41".to_owned());
            }
        }
        let is_connected = self.is_connected;
        let farewell = async {
            match self.carrier {
                Carrier::Socket(mut wire) => {
                    wire.write(words.into_iter().map(Utf8Bytes::from)).await?;
                    wire.close(why).await;
                }
                Carrier::Polled(mut polled, _place) => {
                    let is_awaited = is_connected || polled.has_unsent();
                    // In a payload of its own: the official client drops what comes with it.
                    for text in joined(words).into_iter().chain([CLOSE.to_owned()]) {
                        polled.write(text).await?;
                    }
                    if is_awaited {
                        polled.flushed().await;
                    }
                }
            }
            Ok::<_, Gone>(())
        };
        let _ = timeout(2 * FAREWELL, farewell).await;
    }

    fn read(text: &str) -> Inbound<Ask> {
        ask::read(text)
    }

    fn welcome(&mut self, hello: &Hello, _ask: Option<&Ask>) -> Vec<Utf8Bytes> {
        self.is_connected = true;
        if let Carrier::Polled(_, place) = &mut self.carrier {
            place.is_known();
        }
        let connected = format!("40{}", json!({"sid": self.name}));
        vec![connected.into(), event("hello", &hello.hello).into()]
    }

    fn no_credentials(ask: &Ask) -> Option<Utf8Bytes> {
        Some(answer::refused(ask, &Problem::unauthenticated()).into())
    }

    fn answer(ask: Ask, answered: Answered) -> Option<Utf8Bytes> {
        answer::answer(ask, answered).map(Utf8Bytes::from)
    }
}
