//! The state of a read marker and the decisions over it.

use super::{Mark, ReadMarkerCommand, ReadMarkerError, ReadMarkerEvent, Shown};
use crate::{Aggregate, AggregateType, handle_by_deciding};
use serde::{Deserialize, Serialize};

/// The state of a read marker: reading implies delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadMarker {
    read: u64,
    /// The last seq that others see as read.
    shown: u64,
    /// The last seq that others see as delivered.
    delivered: u64,
}

impl ReadMarker {
    /// The last seq read.
    #[must_use]
    pub const fn read(&self) -> u64 {
        self.read
    }

    /// The last seq that reached a device.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        self.delivered.max(self.read)
    }
}

impl Aggregate for ReadMarker {
    const AGGREGATE: AggregateType = AggregateType::ReadMarker;

    fn decide(&self, command: ReadMarkerCommand) -> Result<Vec<ReadMarkerEvent>, ReadMarkerError> {
        let ReadMarkerCommand { conversation, user, up_to, head, mark, shown } = command;
        let seq = up_to.min(head);
        let delivered = ReadMarkerEvent::Delivered { conversation, user, seq };
        let in_private = ReadMarkerEvent::ReadPrivately { conversation, user, seq };
        Ok(match (mark, shown) {
            (Mark::Read, Shown::Whole) if seq > self.shown => vec![ReadMarkerEvent::Read { conversation, user, seq }],
            // Others see a privately read message as delivered.
            (Mark::Read, Shown::AsArrived) if seq > self.read.max(self.delivered) => vec![delivered, in_private],
            (Mark::Read, Shown::AsArrived | Shown::Nothing) if seq > self.read => vec![in_private],
            (Mark::Delivered, Shown::Whole | Shown::AsArrived) if seq > self.delivered => vec![delivered],
            (Mark::Read | Mark::Delivered, _) => vec![],
        })
    }
}

impl cqrs_es::Aggregate for ReadMarker {
    const TYPE: &'static str = AggregateType::ReadMarker.as_str();
    type Command = ReadMarkerCommand;
    type Event = ReadMarkerEvent;
    type Error = ReadMarkerError;
    type Services = ();

    handle_by_deciding!();

    fn apply(&mut self, event: ReadMarkerEvent) {
        match event {
            ReadMarkerEvent::Read { seq, .. } => {
                self.shown = self.shown.max(seq);
                self.read = self.read.max(seq);
                self.delivered = self.delivered.max(seq);
            }
            ReadMarkerEvent::ReadPrivately { seq, .. } => self.read = self.read.max(seq),
            ReadMarkerEvent::Delivered { seq, .. } => self.delivered = self.delivered.max(seq),
        }
    }
}
