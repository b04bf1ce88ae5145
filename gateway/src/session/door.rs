//! What a door must give, and what the core makes of it: a transport and a codec.

use super::{Close, Dialect, Hello, Outbox, outbox::Burst};
use crate::{Problem, operations::Answer};
use axum::extract::ws::Utf8Bytes;
use domain::{Timestamp, UserId};
use serde_json::Value;
use std::future::Future;
use uuid::Uuid;

/// What is written at once.
pub(crate) const BURST: usize = 64 * 1024;

/// A door: how a client is read and written, and how what it says is understood.
pub(crate) trait Door: Send {
    /// What the codec must remember of a question to answer it.
    type Ask: Send + 'static;

    /// In what the client is told of events.
    const DIALECT: Dialect;

    /// The next thing to come in. Cancel-safe.
    fn hear(&mut self) -> impl Future<Output = Heard> + Send;

    /// The next thing to be done: something came in, if `hears`, or can be written now. Cancel-safe.
    fn turn(&mut self, outbox: &Outbox, hears: bool) -> impl Future<Output = Turn> + Send {
        async move {
            tokio::select! {
                burst = outbox.next(BURST) => Turn::Write(burst),
                heard = self.hear(), if hears => Turn::Heard(heard),
            }
        }
    }

    /// Writes frames together.
    fn write(&mut self, frames: Vec<Utf8Bytes>) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Asks whether the client lives.
    fn ping(&mut self) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Says why, and is done.
    fn close(self, why: Close) -> impl Future<Output = ()> + Send;

    /// Reads what came in.
    fn read(text: &str) -> Inbound<Self::Ask>;

    /// The first words to a client that is let in, with what it asked if its credentials came in a frame.
    fn welcome(&mut self, hello: &Hello, ask: Option<&Self::Ask>) -> Vec<Utf8Bytes>;

    /// What a client is told whose first frame has no credentials in it.
    fn no_credentials(_ask: &Self::Ask) -> Option<Utf8Bytes> {
        None
    }

    /// The answer to what was asked; `None` when there is nothing to say.
    fn answer(ask: Self::Ask, answered: Answered) -> Option<Utf8Bytes>;
}

/// What came in.
pub(crate) enum Heard {
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
    Heard(Heard),
    /// This is to be written, and can be.
    Write(Burst),
}

/// The client is gone, or does not read.
pub(crate) struct Gone;

/// What a client says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Inbound<A> {
    /// It wants something.
    Asked(Want, A),
    /// A sign of life, perhaps with the cursor of the last frame that reached it; answered if it asks.
    Beat(Option<String>, Option<A>),
    /// It cannot be read: this tells the client.
    Malformed(Utf8Bytes),
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
    /// A command by its name: `auth`, `ping`, `sync`, or one of [`crate::operations::COMMANDS`].
    Command { cmd: String, key: Option<String>, data: Value },
    /// Those of its circle who are here.
    Online,
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
    pub(crate) fn told(self) -> Result<Value, Problem> {
        let request = self.request;
        match self.answer {
            Ok(Answer { body, position, .. }) => {
                let mut fields = match body {
                    Value::Object(fields) => fields,
                    _ => serde_json::Map::new(),
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
