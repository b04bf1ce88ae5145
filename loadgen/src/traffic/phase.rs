//! Latencies of some of the messages.

use super::board::Message;
use crate::stats::Quantiles;
use serde::Serialize;

#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Phase {
    pub(crate) send_to_ack: Quantiles,
    pub(crate) send_to_delivered: Quantiles,
}

impl Phase {
    pub(crate) fn of<'m>(messages: impl Iterator<Item = &'m Message>) -> Self {
        let (mut acks, mut arrivals) = (Vec::new(), Vec::new());
        for message in messages {
            acks.extend(message.acknowledged.map(|at| at - message.sent));
            arrivals.extend(message.delivered.iter().map(|at| *at - message.sent));
        }
        Self { send_to_ack: Quantiles::of(acks), send_to_delivered: Quantiles::of(arrivals) }
    }
}
