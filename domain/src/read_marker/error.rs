//! The refusals of a read marker.

use crate::{Refusal, RefusalKind};

/// A read marker refuses nothing: it is clamped and only moves forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadMarkerError {}

impl Refusal for ReadMarkerError {
    fn code(&self) -> &'static str {
        match *self {}
    }
    fn kind(&self) -> RefusalKind {
        match *self {}
    }
}
