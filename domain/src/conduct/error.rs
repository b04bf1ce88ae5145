//! Judging is never refused.

use crate::{Refusal, RefusalKind};

/// Uninhabited: a verdict is an event, or there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConductError {}

impl Refusal for ConductError {
    fn code(&self) -> &'static str {
        match *self {}
    }
    fn kind(&self) -> RefusalKind {
        match *self {}
    }
}
