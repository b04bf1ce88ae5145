//! What a door must give, and what the core makes of it: a transport and a codec.

use super::{BURST, Burst, Close, Dialect, Gone, Hello, Outbox};
use axum::extract::ws::Utf8Bytes;
use domain::{Timestamp, UserId};
use operations::Answer;
use protocol::{Problem, request::Unknown};
use serde_json::{Map, Value};
use std::future::Future;
use uuid::Uuid;

/// A door: how a client is read and written, and how what it says is understood.
pub(crate) trait Door: Send {
    /// What the codec must remember of a question to answer it.
    type Ask: Send + 'static;

    /// The frame format of the client's pushes.
    const DIALECT: Dialect;
    /// Pings that a client may leave unanswered; `None` where the door itself has a heartbeat.
    const UNANSWERED: Option<u32> = Some(2);

    /// The next thing to come in. Cancel-safe.
    fn receive(&mut self) -> impl Future<Output = Incoming> + Send;

    /// The next thing to be done: something came in, if `receives`, or can be written now. Cancel-safe.
    fn turn(&mut self, outbox: &Outbox, receives: bool) -> impl Future<Output = Turn> + Send {
        async move {
            tokio::select! {
                burst = outbox.next(BURST) => Turn::Write(burst),
                received = self.receive(), if receives => Turn::Incoming(received),
            }
        }
    }

    /// Writes frames together.
    fn write(&mut self, frames: Vec<Utf8Bytes>) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Asks whether the client lives.
    fn ping(&mut self) -> impl Future<Output = Result<(), Gone>> + Send {
        async { Ok(()) }
    }

    /// Says why, and is done.
    fn close(self, why: Close) -> impl Future<Output = ()> + Send;

    /// Reads what came in.
    fn read(text: &str) -> Inbound<Self::Ask>;

    /// The first words to a client that is let in, with what it asked if its credentials came in a frame.
    fn welcome(&mut self, hello: &Hello, ask: Option<&Self::Ask>) -> Vec<Utf8Bytes>;

    /// The problem of a client whose first frame has no credentials in it that can be read.
    fn no_credentials(problem: Problem) -> Problem {
        problem
    }

    /// The answer to what was asked; `None` when there is nothing to say.
    fn answer(ask: Self::Ask, answered: Answered) -> Option<Utf8Bytes>;
}

/// What came in.
pub(crate) enum Incoming {
    /// Something to be read.
    Text(Utf8Bytes),
    /// The client lives.
    Life,
    /// Something after which the socket must be closed.
    Bad(Close),
    /// The client is gone.
    Gone,
}

/// What is to be done next.
pub(crate) enum Turn {
    /// This came in.
    Incoming(Incoming),
    /// This is to be written, and can be.
    Write(Burst),
}

/// What a client says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Inbound<A> {
    /// It wants something.
    Asked(Want, A),
    /// A sign of life, perhaps with the cursor of the last frame that reached it; answered if it asks.
    Beat(Option<String>, Option<A>),
    /// It cannot be read: this is why.
    Malformed(Problem, A),
    /// It is not for the core, and answered with this.
    Elsewhere(Utf8Bytes),
    /// Nothing that matters.
    Nothing,
    /// Goodbye.
    Goodbye,
    /// Something after which the socket must be closed.
    Bad(Close),
}

/// What a client wants.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Want {
    /// A command by its name: one of [`super::commands`].
    Command { cmd: String, key: Option<String>, data: Value, unknown: Unknown },
    /// Those of its circle who are here.
    Online,
}

impl Want {
    /// The name of the command.
    pub(crate) fn command(&self) -> Option<&str> {
        match self {
            Self::Command { cmd, .. } => Some(cmd),
            Self::Online => None,
        }
    }
}

/// The data of a command: an object. Absent or null, it is one without fields.
///
/// # Errors
/// `data` is something else.
pub(crate) fn given(data: Value) -> Result<Value, Problem> {
    match data {
        Value::Object(_) => Ok(data),
        Value::Null => Ok(Value::Object(Map::new())),
        _ => Err(Problem::field("data", "wrong_type", "must be an object")),
    }
}

/// What is answered to a client.
pub(crate) struct Answered {
    /// The answer itself.
    pub(crate) answer: Result<Answer, Problem>,
    /// Names the request in the server's log.
    pub(crate) request: Option<Uuid>,
    /// Who asked.
    pub(crate) user: UserId,
    /// When it is answered.
    pub(crate) now: Timestamp,
}

impl Answered {
    /// The resource with the position of the command that answered it, or the problem that names the request.
    pub(crate) fn outcome(self) -> Result<Value, Problem> {
        let request = self.request;
        match self.answer {
            Ok(Answer { body, position, .. }) => {
                let mut fields = match body {
                    Value::Object(fields) => fields,
                    _ => Map::new(),
                };
                if let Some(position) = position {
                    fields.insert("position".to_owned(), position.into());
                }
                Ok(Value::Object(fields))
            }
            Err(problem) => Err(match request {
                Some(request) => problem.for_request(request),
                None => problem,
            }),
        }
    }
}
