//! Parked events: a failed event and, behind it, the later events of its stream (I15).
//!
//! The failed event is retried after each pause of a [`BackOff`], and then given up. The table has the due time; the
//! broker's messages only save the wait for the next look.
//!
//! Every decision on a stream's parked events first locks the failed one's row by a no-op update. So a worker that
//! parks an event behind it and an operator who applies them all never pass each other.

mod attempt;
mod back_off;
mod event;
mod page;
mod release;
mod table;

pub(crate) use attempt::{ATTEMPTS, Failure, attempt, open};
pub use back_off::BackOff;
pub(crate) use back_off::after;
pub(crate) use event::{COLUMNS, count, counts};
pub use event::{Parked, ParkedCount, ParkedId, ParkedState, count_parked, is_first_parked, list_parked};
pub use page::parked_page;
pub(crate) use release::{Cause, Left, Release, Released};
pub use release::{discard, requeue};
pub(crate) use table::{Poison, Stream, due, hold, of_other_builds, park, streams};
