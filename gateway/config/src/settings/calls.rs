//! How long things may take in a call.

use std::time::Duration;

/// How long things may take in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallSettings {
    /// How long it rings.
    pub ring: Duration,
    /// How long somebody in a call may be without a socket before they leave it.
    pub grace: Duration,
    /// How often it is looked whether either has passed.
    pub look: Duration,
}

impl Default for CallSettings {
    fn default() -> Self {
        Self { ring: Duration::from_secs(30), grace: Duration::from_secs(15), look: Duration::from_millis(500) }
    }
}
