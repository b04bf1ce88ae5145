//! The orders of a trial.

use serde::Deserialize;
use std::path::PathBuf;

/// One order. Processes are named as in `gateway-1`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub(super) enum Order {
    /// Times count from now.
    Mark,
    /// SIGSTOP, from which times count. Answer: whether it holds a transaction open, if that was asked for.
    Stop {
        process: String,
        #[serde(default)]
        in_transaction: bool,
    },
    /// SIGCONT.
    GoOn { process: String },
    /// SIGKILL, from which times count.
    Kill { process: String },
    /// Starts it, and waits until it is ready; from now on with another program, if one is named.
    Start { process: String, program: Option<PathBuf> },
    /// SIGTERM. Answer: its status and the seconds until then; null if it had to be killed.
    Terminate { process: String, within: f64 },
    /// Answer: the process that holds a singleton job; null without one.
    Holder { duty: String },
    /// Waits until nothing is delayed, at most somewhat longer than `within` seconds from the mark. Reads of the rooms that the
    /// process `of` held when it was stopped or killed count apart.
    Recovered { within: f64, of: Option<String> },
    /// Answer: the number of connected people who are shown as offline.
    Absent,
    /// Ends the traffic, and judges.
    Finish,
}

#[cfg(test)]
mod tests {
    use super::Order;

    #[test]
    fn orders_are_read() {
        let process = || "worker-1".to_owned();
        for (text, want) in [
            (r#""mark""#, Order::Mark),
            (r#"{"stop":{"process":"worker-1"}}"#, Order::Stop { process: process(), in_transaction: false }),
            (
                r#"{"stop":{"process":"worker-1","inTransaction":true}}"#,
                Order::Stop { process: process(), in_transaction: true },
            ),
            (r#"{"goOn":{"process":"worker-1"}}"#, Order::GoOn { process: process() }),
            (
                r#"{"recovered":{"within":14.0,"of":"worker-1"}}"#,
                Order::Recovered { within: 14.0, of: Some(process()) },
            ),
            (r#"{"start":{"process":"worker-1"}}"#, Order::Start { process: process(), program: None }),
            (
                r#"{"start":{"process":"worker-1","program":"/new/chatchit"}}"#,
                Order::Start { process: process(), program: Some("/new/chatchit".into()) },
            ),
            (r#"{"recovered":{"within":20}}"#, Order::Recovered { within: 20.0, of: None }),
        ] {
            assert_eq!(serde_json::from_str::<Order>(text).unwrap(), want, "{text}");
        }
    }
}
