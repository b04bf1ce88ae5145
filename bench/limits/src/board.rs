//! The messages of a run, and the times of their deliveries.

use crate::quantiles::Times;
use serde_json::{Value, json};
use std::time::Instant;

/// The messages of a run. Each arrives as often as its room has members.
pub(crate) struct Board {
    copies: usize,
    messages: Vec<Message>,
    is_measuring: bool,
    complete: usize,
    deliveries: usize,
    acknowledged: Times,
    delivered: Times,
}

struct Message {
    sender: usize,
    sent: Instant,
    /// Copies under way.
    left: usize,
    /// Sent in the measured time.
    is_timed: bool,
}

impl Board {
    pub(crate) fn new(copies: usize) -> Self {
        let (acknowledged, delivered) = (Times::default(), Times::default());
        let (is_measuring, complete, deliveries) = (false, 0, 0);
        Self { copies, messages: Vec::new(), is_measuring, complete, deliveries, acknowledged, delivered }
    }

    /// The number of a message that is sent now.
    pub(crate) fn send(&mut self, sender: usize) -> usize {
        let message = Message { sender, sent: Instant::now(), left: self.copies, is_timed: self.is_measuring };
        self.messages.push(message);
        self.messages.len() - 1
    }

    pub(crate) fn acknowledge(&mut self, number: usize) {
        if let Some(message) = self.messages.get(number).filter(|message| message.is_timed) {
            self.acknowledged.add(message.sent.elapsed());
        }
    }

    /// Notes a delivery. Returns the sender when it was the last of its message.
    pub(crate) fn deliver(&mut self, number: usize) -> Option<usize> {
        let message = self.messages.get_mut(number)?;
        message.left = message.left.checked_sub(1)?;
        if message.is_timed {
            self.delivered.add(message.sent.elapsed());
        }
        if self.is_measuring {
            self.deliveries += 1;
            self.complete += usize::from(message.left == 0);
        }
        (message.left == 0).then_some(message.sender)
    }

    pub(crate) const fn measure(&mut self, is_measuring: bool) {
        self.is_measuring = is_measuring;
    }

    /// The report of so many measured seconds.
    pub(crate) fn report(self, scenario: &str, seconds: f64) -> Value {
        let Self { complete, deliveries, acknowledged, delivered, .. } = self;
        let mut run = json!({
            "messagesPerSecond": complete as f64 / seconds,
            "deliveriesPerSecond": deliveries as f64 / seconds,
            "sendToDelivered": delivered.quantiles(),
        });
        if acknowledged.count() > 0 {
            run["sendToAck"] = json!(acknowledged.quantiles());
        }
        json!({"scenario": scenario, "runs": [run], "clean": true})
    }
}

#[cfg(test)]
mod tests {
    use super::Board;
    use serde_json::json;

    #[test]
    fn a_message_is_complete_with_its_last_copy() {
        let mut board = Board::new(2);
        let early = board.send(7);
        board.measure(true);
        assert_eq!((board.deliver(early), board.deliver(early), board.deliver(early)), (None, Some(7), None));
        let timed = board.send(3);
        board.acknowledge(timed);
        assert_eq!((board.deliver(timed), board.deliver(99)), (None, None));
        let report = board.report("x", 2.0);
        let run = &report["runs"][0];
        assert_eq!((&run["messagesPerSecond"], &run["deliveriesPerSecond"]), (&json!(0.5), &json!(1.5)));
        assert_eq!((&run["sendToAck"]["count"], &run["sendToDelivered"]["count"]), (&json!(1), &json!(1)));
    }
}
