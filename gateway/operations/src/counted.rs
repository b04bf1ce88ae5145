//! Counts commands, at every door.

use super::{Answer, Operation, Request};
use metrics::{counter, histogram};
use protocol::Problem;
use std::time::Duration;
use tokio::time::Instant;

/// The door of commands over REST, as metrics name it.
const REST: &str = "rest";

/// Runs an operation for REST, and counts it. What is refused before (its budget, its shape) counts among the requests.
///
/// # Errors
/// Those of the operation.
pub async fn run<O: Operation>(target: O::Target, body: O::Body, request: &Request<'_>) -> Result<Answer, Problem> {
    let began = Instant::now();
    let answer = O::run(target, body, request).await;
    count_command(REST, O::NAME, answer.as_ref().map_or_else(|problem| problem.code, |_| DONE), began.elapsed());
    answer
}

/// The outcome of a command that was not refused.
pub const DONE: &str = "done";

/// Counts a command that came through `door`: `outcome` is [`DONE`], or the code of the problem.
pub fn count_command(door: &'static str, command: &'static str, outcome: &'static str, took: Duration) {
    counter!("chatchit_commands_total", "door" => door, "command" => command, "outcome" => outcome).increment(1);
    histogram!("chatchit_command_seconds", "command" => command).record(took);
}
