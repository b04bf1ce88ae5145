//! What a signed-in client can ask for, whichever door it comes through.

use crate::{App, Problem};
use domain::{SessionId, UserId};
use serde_json::Value;
use std::net::IpAddr;
use uuid::Uuid;

/// Who asks, and through which request.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// The user.
    pub user: UserId,
    /// The device they are signed in with.
    pub session: SessionId,
    /// Names this request in the log and the audit trail.
    pub correlation_id: Uuid,
    /// Where they call from.
    pub ip: Option<IpAddr>,
}

/// What an operation answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The HTTP status: 200, 201 or 204.
    pub status: u16,
    /// The resource; an object, or null.
    pub body: Value,
    /// The position of the last event of the command; `None` when it changed nothing.
    pub position: Option<u64>,
}

/// Runs one command of the protocol by its name, such as `message.send`.
///
/// # Errors
/// The [`Problem`] to answer: `unknown_command`, bad fields, or a refusal.
pub async fn run(
    app: &App,
    caller: &Caller,
    cmd: &str,
    key: Option<String>,
    data: Value,
) -> Result<Answer, Problem> {
    let _ = (app, caller, key, data);
    Err(unknown(cmd))
}

fn unknown(cmd: &str) -> Problem {
    Problem::new(axum::http::StatusCode::BAD_REQUEST, "unknown_command", format!("there is no command {cmd:?}"))
}
