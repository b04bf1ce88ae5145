//! A session, polled or over a WebSocket, from its handshake to its end.

use crate::{
    BURST, Fault, Gone, Received, Settings, Wire,
    heartbeat::{Beat, Heartbeat},
    packet::{CLOSE, PING, joined, packets, parse},
    polling::{Came, Polled},
    sessions::Place,
};
use axum::extract::ws::Utf8Bytes;
use std::{future::Future, time::Duration};
use tokio::time::timeout;

/// How long a client that is polled may take to fetch why it is sent away.
const FAREWELL: Duration = Duration::from_secs(5);

/// What sessions are for.
pub trait Application: Send + 'static {
    /// Serves a session that has just been opened, until it is over: takes [turns](Session::turn), and closes it.
    fn serve(self, session: Session) -> impl Future<Output = ()> + Send;
}

/// Where what an application has to say to a client waits.
pub trait Outlet: Sync {
    /// Frames, of one or more packets each, and whatever else the application must know of them.
    type Burst: Send;

    /// The next of it, of about so many bytes. Cancel-safe.
    fn next(&self, bytes: usize) -> impl Future<Output = Self::Burst> + Send;

    /// Waits until the session is to be closed, for the last of it. Cancel-safe.
    fn last(&self) -> impl Future<Output = Self::Burst> + Send;
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn<B> {
    /// This came in.
    Received(Received),
    /// This is to be [written](Session::write), and can be.
    Send(B),
    /// So are these frames, which are the engine's own.
    Write(Vec<Utf8Bytes>),
}

/// How a session is ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closing {
    /// The last packets.
    pub words: Vec<String>,
    /// The close code of a WebSocket.
    pub code: u16,
    /// Its reason, of at most 123 bytes.
    pub reason: &'static str,
    /// Whether a client that is polled is waited for to fetch them; it is in any case if it has not fetched what was said
    /// before.
    pub is_awaited: bool,
}

/// A session.
pub struct Session {
    sid: String,
    carrier: Carrier,
    heartbeat: Heartbeat,
    /// What was not fetched when it moved to a WebSocket.
    left: Option<Utf8Bytes>,
    /// Whether its client did not answer a ping.
    is_silent: bool,
}

enum Carrier {
    Socket(Box<Wire>),
    Polled(Box<Polled>, Place),
}

impl Session {
    pub(crate) fn over_socket(sid: String, wire: Wire, settings: &Settings) -> Self {
        Self::new(sid, Carrier::Socket(Box::new(wire)), settings)
    }

    pub(crate) fn polled(sid: String, polled: Polled, place: Place, settings: &Settings) -> Self {
        Self::new(sid, Carrier::Polled(Box::new(polled), place), settings)
    }

    fn new(sid: String, carrier: Carrier, settings: &Settings) -> Self {
        Self { sid, carrier, heartbeat: Heartbeat::new(settings), left: None, is_silent: false }
    }

    /// Its name, and its only credential.
    #[must_use]
    pub fn sid(&self) -> &str {
        &self.sid
    }

    /// Its client has shown who it is: it is no stranger any more, who makes room for others.
    pub fn is_known(&mut self) {
        if let Carrier::Polled(_, place) = &mut self.carrier {
            place.is_known();
        }
    }

    fn move_to(&mut self, wire: Box<Wire>, left: String) {
        self.carrier = Carrier::Socket(wire);
        self.left = Some(left).filter(|left| !left.is_empty()).map(Utf8Bytes::from);
    }

    /// What came over a WebSocket. A client that closes the session is answered first.
    async fn read(&mut self, frame: Received) -> Received {
        let received = match frame {
            Received::Text(packet) => {
                if let Carrier::Socket(wire) = &mut self.carrier
                    && packet.as_str() == CLOSE
                {
                    wire.end().await;
                }
                parse(packet)
            }
            other => other,
        };
        self.heartbeat.lives();
        received
    }

    /// Takes what came to a session that is polled.
    fn take(&mut self, came: Came) -> Option<Received> {
        match came {
            Came::Packet(packet) => {
                if let Carrier::Polled(polled, _) = &mut self.carrier
                    && packet.as_str() == CLOSE
                    && polled.is_polled()
                {
                    polled.noop();
                }
                self.heartbeat.lives();
                Some(parse(packet))
            }
            Came::Bad(why) => Some(Received::Bad(why)),
            Came::Gone => Some(Received::Gone),
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

    /// The next thing to come in, without a heartbeat: for the moments before the first [turn](Self::turn). Cancel-safe.
    pub async fn receive(&mut self) -> Received {
        loop {
            let came = match &mut self.carrier {
                Carrier::Socket(wire) => {
                    let frame = wire.receive().await;
                    return self.read(frame).await;
                }
                Carrier::Polled(polled, _) => {
                    if polled.must_answer() {
                        polled.noop();
                    }
                    polled.next(true).await
                }
            };
            if let Some(received) = self.take(came) {
                return received;
            }
        }
    }

    /// The next thing to be done: something came in, if `reads`, or what waits in `outlet` can be written now. Cancel-safe.
    pub async fn turn<O: Outlet>(&mut self, outlet: &O, reads: bool) -> Turn<O::Burst> {
        loop {
            if let (Some(left), Carrier::Socket(_)) = (&mut self.left, &self.carrier) {
                let frames = vec![std::mem::take(left)];
                self.left = None;
                return Turn::Write(frames);
            }
            let polled = match &mut self.carrier {
                Carrier::Polled(polled, _) => polled,
                Carrier::Socket(wire) => {
                    let frame = tokio::select! {
                        burst = outlet.next(BURST) => return Turn::Send(burst),
                        frame = wire.receive(), if reads => frame,
                        beat = self.heartbeat.next() => match beat {
                            Beat::Ping => return Turn::Write(vec![PING]),
                            Beat::Silent => return self.silent(),
                        },
                    };
                    return Turn::Received(self.read(frame).await);
                }
            };
            let (is_polled, must_answer) = (polled.is_polled(), polled.must_answer());
            let came = tokio::select! {
                biased;
                beat = self.heartbeat.next() => {
                    if beat == Beat::Silent {
                        return self.silent();
                    }
                    polled.ping();
                    continue;
                }
                burst = outlet.next(BURST), if is_polled => return Turn::Send(burst),
                // A client that does not poll is closed all the same.
                burst = outlet.last(), if !is_polled => return Turn::Send(burst),
                () = std::future::ready(()), if must_answer => Came::Poll,
                came = polled.next(reads) => came,
            };
            if must_answer && matches!(came, Came::Poll) {
                polled.noop();
            }
            if let Some(received) = self.take(came) {
                return Turn::Received(received);
            }
        }
    }

    fn silent<B>(&mut self) -> Turn<B> {
        self.is_silent = true;
        Turn::Received(Received::Bad(Fault::Silent))
    }

    /// Writes frames together. A client that is polled has fetched all but the last burst once this ends.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn write(&mut self, mut frames: Vec<Utf8Bytes>) -> Result<(), Gone> {
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
        wire.write_packets(self.left.take().into_iter().chain(frames).flat_map(packets)).await
    }

    /// Writes the last packets, waits up to 10 s for the client to take them, and ends the session.
    pub async fn close(self, closing: Closing) {
        let Closing { words, code, reason, is_awaited } = closing;
        let farewell = async {
            match self.carrier {
                Carrier::Socket(mut wire) => {
                    wire.write_packets(words.into_iter().map(Utf8Bytes::from)).await?;
                    wire.close(code, reason).await;
                }
                // Who answers no ping would not fetch it either.
                Carrier::Polled(polled, _) if self.is_silent && !polled.is_polled() => (),
                Carrier::Polled(mut polled, _place) => {
                    polled.end();
                    let is_awaited = is_awaited || polled.has_unsent();
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
}
