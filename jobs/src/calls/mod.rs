//! Jobs that end calls: those that ring for too long, and the participation of people without a socket. The log
//! decides, so that two processes may run them at once.

mod drop_disconnected;
mod time_out;

pub use drop_disconnected::DropDisconnected;
pub use time_out::TimeOutCalls;

use commands::{CommandError, Commands};
use config::CallSettings;
use domain::{CallId, Timestamp};
use graph::Graph;
use projections::Queries;
use std::time::Duration;

/// Rows of one statement.
const PAGE: u32 = 256;

/// The dependencies of the jobs on calls.
#[derive(Clone)]
pub struct CallJobs {
    pub queries: Queries,
    pub commands: Commands,
    /// Knows who is online.
    pub graph: Graph,
    pub settings: CallSettings,
    pub clock: fn() -> Timestamp,
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// True if a command on a call succeeded; otherwise the next round repeats it.
fn succeeded<T>(call: CallId, result: Result<T, CommandError>) -> bool {
    if let Err(error) = &result {
        tracing::warn!(call.id = %call, error.cause = %error, "a call could not be ended; the next round tries again");
    }
    result.is_ok()
}
