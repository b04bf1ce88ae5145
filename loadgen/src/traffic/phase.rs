//! Latencies of some of the messages.

use super::board::Message;
use crate::stats::{Latencies, Quantiles};
use serde::Serialize;

/// Each latency counts from when the message was due, not from when a client that was held up came to send it.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Phase {
    /// How late the client was.
    pub(crate) due_to_sent: Quantiles,
    pub(crate) send_to_ack: Quantiles,
    pub(crate) send_to_delivered: Quantiles,
}

impl Phase {
    pub(crate) fn of<'m>(messages: impl Iterator<Item = &'m Message>) -> Self {
        let [mut sent, mut acks, mut arrivals] = [(); 3].map(|()| Latencies::default());
        for message in messages {
            sent.record(message.sent - message.due);
            acks.extend(message.acknowledged.map(|at| at - message.due));
            arrivals.extend(message.delivered.iter().map(|at| *at - message.due));
        }
        Self { due_to_sent: sent.quantiles(), send_to_ack: acks.quantiles(), send_to_delivered: arrivals.quantiles() }
    }
}
