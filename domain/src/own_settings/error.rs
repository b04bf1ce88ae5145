//! Why a person's own settings refuse a command.

use crate::{Refusal, RefusalKind};

/// A person's own settings refuse nothing: what is so already stays so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OwnSettingsError {}

impl Refusal for OwnSettingsError {
    fn code(&self) -> &'static str {
        match *self {}
    }
    fn kind(&self) -> RefusalKind {
        match *self {}
    }
}
