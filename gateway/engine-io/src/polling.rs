//! The polling transport: HTTP requests ask, and the task that serves their session answers.
//!
//! One payload waits for the next GET at most, and leaves the outbox, whose bytes are bounded, when that has fetched it or
//! it is no more than a burst.

use crate::{
    BETWEEN, BURST, Fault, Gone, Wire,
    packet::{NOOP, PING},
};
use axum::extract::ws::Utf8Bytes;
use std::{collections::VecDeque, time::Duration};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

/// A request to the task of its session. One without an answer was refused, or the session has ended.
pub(crate) enum Request {
    /// A GET waits for what is said next.
    Poll(oneshot::Sender<String>),
    /// A POST brings packets, and waits until those of the one before are received.
    Packets(Vec<Utf8Bytes>, oneshot::Sender<()>),
    /// The client tries a WebSocket, or has given up trying: while it tries, no GET is kept waiting.
    Probing(bool),
    /// The client has moved to a WebSocket.
    Moved(Box<Wire>),
    /// Something came after which the session must be closed.
    Bad(Fault),
}

/// What came to a session that is polled.
pub(crate) enum Came {
    /// A packet.
    Packet(Utf8Bytes),
    /// Something after which the session must be closed.
    Bad(Fault),
    /// The client has moved to a WebSocket.
    Moved(Box<Wire>),
    /// A GET waits.
    Poll,
    /// Nobody can ask any more.
    Gone,
}

/// The end of the polling transport at which the session is served.
pub(crate) struct Polled {
    requests: mpsc::Receiver<Request>,
    write_within: Duration,
    /// The GET that waits.
    poll: Option<oneshot::Sender<String>>,
    /// What the next GET is answered.
    unsent: String,
    /// What came and was not received yet.
    packets: VecDeque<Utf8Bytes>,
    /// The POST that waits until it was.
    held: Option<(Vec<Utf8Bytes>, oneshot::Sender<()>)>,
    probing: bool,
    /// It is being closed: no POST is taken any more.
    over: bool,
}

impl Polled {
    pub(crate) fn new(requests: mpsc::Receiver<Request>, write_within: Duration) -> Self {
        Self {
            requests,
            write_within,
            poll: None,
            unsent: String::new(),
            packets: VecDeque::new(),
            held: None,
            probing: false,
            over: false,
        }
    }

    /// Whether a GET waits.
    pub(crate) const fn is_polled(&self) -> bool {
        self.poll.is_some()
    }

    /// Whether a GET waits that should not.
    pub(crate) const fn must_answer(&self) -> bool {
        self.probing && self.is_polled()
    }

    /// The next thing to come; packets only if it `reads`. Cancel-safe.
    pub(crate) async fn next(&mut self, reads: bool) -> Came {
        loop {
            if reads && let Some(packet) = self.packets.pop_front() {
                self.take_held();
                return Came::Packet(packet);
            }
            let Some(request) = self.requests.recv().await else { return Came::Gone };
            if let Some(came) = self.take(request) {
                return came;
            }
        }
    }

    /// Has a text fetched by the GET that waits, or by the next one. Waits until the text before was fetched, and until
    /// this one was if it is more than a burst; answers the WebSocket that the client moved to meanwhile, with everything
    /// that was not fetched.
    pub(crate) async fn write(&mut self, text: String) -> Result<Option<(Box<Wire>, String)>, Gone> {
        let mut moved = self.fetched().await?;
        self.say(&text);
        if moved.is_none() && self.unsent.len() > BURST {
            moved = self.fetched().await?;
        }
        Ok(moved.map(|wire| (wire, std::mem::take(&mut self.unsent))))
    }

    /// Waits until what was said was fetched, or the client has moved to a WebSocket.
    async fn fetched(&mut self) -> Result<Option<Box<Wire>>, Gone> {
        let within = self.write_within;
        let fetched = async {
            while !self.unsent.is_empty() {
                match self.requests.recv().await.map(|request| self.take(request)) {
                    None | Some(Some(Came::Gone | Came::Bad(_))) => return Err(Gone),
                    Some(Some(Came::Moved(wire))) => return Ok(Some(wire)),
                    Some(_) => (),
                }
            }
            Ok(None)
        };
        timeout(within, fetched).await.unwrap_or(Err(Gone))
    }

    /// Asks whether the client lives; one question waits at most.
    pub(crate) fn ping(&mut self) {
        if self.unsent.split(BETWEEN).all(|packet| packet != &*PING) {
            self.say(&PING);
        }
    }

    /// Ends the GET that waits with nothing.
    pub(crate) fn noop(&mut self) {
        self.say(NOOP);
    }

    /// Whether something waits to be fetched.
    pub(crate) const fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// The session is being closed: it reads nothing more.
    pub(crate) fn end(&mut self) {
        self.over = true;
        self.packets.clear();
        self.held = None;
    }

    /// What no GET has fetched.
    pub(crate) fn unsent(&mut self) -> String {
        std::mem::take(&mut self.unsent)
    }

    /// Waits until everything was fetched.
    pub(crate) async fn flushed(&mut self) {
        while !self.unsent.is_empty() {
            match self.requests.recv().await.map(|request| self.take(request)) {
                None | Some(Some(Came::Gone)) => return,
                Some(_) => (),
            }
        }
    }

    fn say(&mut self, text: &str) {
        if !self.unsent.is_empty() {
            self.unsent.push(BETWEEN);
        }
        self.unsent.push_str(text);
        self.answer();
    }

    /// A GET that broke off leaves its answer to the next.
    fn answer(&mut self) {
        if let Some(poll) = self.poll.take()
            && let Err(unsent) = poll.send(std::mem::take(&mut self.unsent))
        {
            self.unsent = unsent;
        }
    }

    fn take(&mut self, request: Request) -> Option<Came> {
        match request {
            Request::Poll(poll) => {
                // Two at once: the second is refused, and the session closed.
                if self.poll.as_ref().is_some_and(|waiting| !waiting.is_closed()) {
                    self.end();
                    return Some(Came::Bad(Fault::NotOurs));
                }
                self.poll = Some(poll);
                if self.unsent.is_empty() {
                    return Some(Came::Poll);
                }
                self.answer();
                None
            }
            Request::Packets(packets, taken) => {
                if self.held.is_none() && !self.over {
                    self.held = Some((packets, taken));
                    self.take_held();
                }
                None
            }
            Request::Probing(probing) => {
                self.probing = probing;
                self.must_answer().then_some(Came::Poll)
            }
            Request::Moved(wire) => {
                if self.is_polled() {
                    self.noop();
                }
                Some(Came::Moved(wire))
            }
            Request::Bad(why) => {
                self.end();
                Some(Came::Bad(why))
            }
        }
    }

    /// The POST that waits is received next, once nothing is left of the one before.
    fn take_held(&mut self) {
        if self.packets.is_empty()
            && let Some((packets, taken)) = self.held.take()
        {
            self.packets.extend(packets);
            // Nobody waits for it if the POST broke off.
            let _ = taken.send(());
        }
    }
}

#[cfg(test)]
mod tests;
