//! An opened event.

use domain::Event;
use event_store::Record;

/// A recorded event with its opened payload.
#[derive(Clone, Copy, Debug)]
pub struct Opened<'e> {
    pub record: &'e Record,
    pub event: &'e Event,
}
