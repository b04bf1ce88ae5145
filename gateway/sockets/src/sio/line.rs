//! The door `/socket.io/`: a session of Engine.IO, and what its packets mean.

use super::{
    answer,
    ask::{self, Ask},
};
use crate::SocketApp;
use crate::session::{
    self, Answered, Burst, Close, Dialect, Door, Gone, Hello, Inbound, Incoming, Offer, Outbox, Turn,
};
use axum::extract::ws::Utf8Bytes;
use engine_io::{
    Application, Closing, Session,
    socket_io::{Attachments, connected, disconnected, event},
};
use protocol::{Problem, problem::FieldProblem};
use serde_json::json;

/// Where the token of a Socket.IO client belongs.
const NO_TOKEN: &str = "this needs an access token: give the client the option `auth: {token: \"<token>\"}`";

/// Serves a session as a socket of ChatChit.
pub(super) struct Serving {
    pub app: SocketApp,
    pub(super) offer: Offer,
    /// What the socket is called in the answer to its CONNECT.
    pub(super) name: String,
}

impl Application for Serving {
    async fn serve(self, session: Session) {
        let Self { app, offer, name } = self;
        let line = Line { session, name, is_connected: false, attachments: Attachments::default() };
        session::serve(app, line, offer).await;
    }
}

/// A client of `/socket.io/`.
struct Line {
    session: Session,
    name: String,
    is_connected: bool,
    attachments: Attachments,
}

impl Line {
    /// An event with attachments is refused: they follow it, and nobody looks into them.
    fn received(&mut self, received: engine_io::Received) -> Incoming {
        match self.attachments.follow(received) {
            engine_io::Received::Binary(_) => Incoming::Life,
            other => other.into(),
        }
    }
}

impl Door for Line {
    type Ask = Ask;

    const DIALECT: Dialect = Dialect::SocketIo;
    const UNANSWERED: Option<u32> = None;

    async fn receive(&mut self) -> Incoming {
        let received = self.session.receive().await;
        self.received(received)
    }

    async fn turn(&mut self, outbox: &Outbox, receives: bool) -> Turn {
        match self.session.turn(outbox, receives).await {
            engine_io::Turn::Received(received) => Turn::Incoming(self.received(received)),
            engine_io::Turn::Send(burst) => Turn::Write(burst),
            engine_io::Turn::Write(frames) => Turn::Write(Burst { frames, close: None }),
        }
    }

    async fn write(&mut self, frames: Vec<Utf8Bytes>) -> Result<(), Gone> {
        self.session.write(frames).await
    }

    /// Says why in an event. A client that is to come back loses its transport, upon which it does; another is
    /// disconnected, upon which it does not.
    async fn close(self, why: Close) {
        let mut words = Vec::new();
        if self.is_connected && why != Close::Normal {
            words.push(event("close", &json!({"code": why.code(), "reason": why.reason()})));
            if !why.invites_back() {
                words.push(disconnected("/"));
            }
        }
        let closing = Closing { words, code: why.code(), reason: why.reason(), is_awaited: self.is_connected };
        self.session.close(closing).await;
    }

    fn read(text: &str) -> Inbound<Ask> {
        ask::read(text)
    }

    fn welcome(&mut self, hello: &Hello, _ask: Option<&Ask>) -> Vec<Utf8Bytes> {
        self.is_connected = true;
        self.session.is_known();
        vec![connected("/", &self.name).into(), event("hello", &hello.hello).into()]
    }

    fn no_credentials(problem: Problem) -> Problem {
        let is_absent = |error: &FieldProblem| error.field == "token" && error.code == "required";
        if problem.errors.is_empty() || problem.errors.iter().any(is_absent) {
            return Problem { detail: NO_TOKEN.into(), ..Problem::unauthenticated() };
        }
        problem
    }

    fn answer(ask: Ask, answered: Answered) -> Option<Utf8Bytes> {
        answer::answer(ask, answered).map(Utf8Bytes::from)
    }
}
