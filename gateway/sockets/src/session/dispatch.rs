//! A command of a socket: read by its name, run, and logged.

use super::{
    door::{Door, Want},
    registry::{Commands, Parsed, Ready, Registration},
};
use domain::UserId;
use futures_util::{FutureExt as _, future::BoxFuture};
use limits::Kind;
use operations::{Answer, App, DONE, Order, Request, SocketContext, count_command};
use protocol::Problem;
use realtime::{Caller, presence::ONLINE};
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

/// The name in the log of a command that does not exist. Its own may contain personal text.
pub(super) const UNKNOWN: &str = "unknown";

/// A parsed command, and how it is to be treated.
pub(super) struct Read {
    pub(super) name: &'static str,
    pub(super) budget: Kind,
    pub(super) echoes: bool,
    pub(super) key: Option<String>,
    pub(super) parsed: Parsed,
}

impl Read {
    pub(super) fn of(want: Want, commands: &Commands) -> Self {
        let Want::Command { cmd, key, data, unknown } = want else {
            let parsed = Parsed::Operation(Ok(Box::new(Online)));
            return Self { name: Online::NAME, budget: Kind::Read, echoes: true, key: None, parsed };
        };
        let (found, parsed) = commands.read(&cmd, key.as_deref(), &data, unknown);
        let (name, budget, echoes) = match found {
            Some(Registration { name, budget, echoes, .. }) => (*name, *budget, *echoes),
            None => (UNKNOWN, Kind::Write, true),
        };
        Self { name, budget, echoes, key, parsed }
    }
}

/// Runs an operation whose budget was charged, or answers its fault.
pub(super) async fn run(
    app: &App,
    caller: &Caller,
    key: Option<String>,
    socket: SocketContext<'_>,
    operation: Result<Box<dyn Ready>, Problem>,
) -> Result<Answer, Problem> {
    let operation = operation?;
    let request = Request::new(app, caller, key)?.through(socket);
    operation.run(&request).await
}

/// A line for each command: at the default level those that were refused, so that the id in the answer is found.
pub(super) fn log<D: Door>(
    request: Uuid,
    user: Option<UserId>,
    cmd: &'static str,
    outcome: Result<&Answer, &Problem>,
    took: Duration,
) {
    let code = outcome.map_or_else(|problem| problem.code, |_| DONE);
    count_command(D::DIALECT.door(), cmd, code, took);
    let (user, took) = (user.map(tracing::field::display), took.as_secs_f64() * 1e3);
    match outcome {
        Ok(_) => tracing::debug!(
            request.id = %request,
            user.id = user,
            socket.command = cmd,
            duration.ms = took,
            "ran a command"
        ),
        // Counters report an overload: a line for each command would cost more than its refusal.
        Err(problem) if problem.code == "overloaded" => {
            tracing::debug!(request.id = %request, socket.command = cmd, "refused a command: overloaded");
        }
        Err(problem) => tracing::info!(
            request.id = %request,
            user.id = user,
            socket.command = cmd,
            problem.code = problem.code,
            http.status = problem.status,
            duration.ms = took,
            "refused a command"
        ),
    }
}

/// `getOnlineUsers`: those of the caller's circle who are here.
struct Online;

impl Online {
    const NAME: &'static str = "getOnlineUsers";
}

impl Ready for Online {
    fn order(&self) -> Order {
        Order::Socket
    }

    fn run<'r>(self: Box<Self>, request: &'r Request<'r>) -> BoxFuture<'r, Result<Answer, Problem>> {
        async move {
            let (online, _) = request.app.presences.online(request.caller.user, None, ONLINE).await?;
            Answer::read(&json!({"users": online}))
        }
        .boxed()
    }
}
