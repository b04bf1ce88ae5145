//! What a trial may be told to do.

use serde::Deserialize;

/// One order; a process is named as in `gateway-1`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub(super) enum Order {
    /// Times count from now.
    Mark,
    /// SIGSTOP, from which times count; answered with whether it holds a transaction open, if that was asked for.
    Stop {
        process: String,
        #[serde(default)]
        in_transaction: bool,
    },
    /// SIGCONT.
    GoOn { process: String },
    /// SIGKILL, from which times count.
    Kill { process: String },
    /// Starts it, and waits until it is ready.
    Start { process: String },
    /// SIGTERM; answered with its status and how many seconds that took, null when it had to be killed.
    Terminate { process: String, within: f64 },
    /// Answered with the process that holds a duty; null when nobody does.
    Holder { duty: String },
    /// Waits until nothing is held up, at most somewhat longer than `within` seconds from the mark; reads of rooms in the
    /// partitions that a process held when it was stopped or killed count apart from others.
    Recovered { within: f64, of: Option<String> },
    /// Answered with how many people are told to be offline, who are all there.
    Absent,
    /// Ends the traffic, and lets the oracle judge.
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
            (r#"{"recovered":{"within":20}}"#, Order::Recovered { within: 20.0, of: None }),
        ] {
            assert_eq!(serde_json::from_str::<Order>(text).unwrap(), want, "{text}");
        }
    }
}
