//! Whether the two connections are up.

use super::link::LinkError;
use crate::Health;
use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Instant,
};

/// Whether the two connections are up.
#[derive(Debug)]
pub(crate) struct Status {
    pub(crate) publishing: Side,
    pub(crate) consuming: Side,
}

/// One of the connections.
#[derive(Debug)]
pub(crate) struct Side {
    what: &'static str,
    up: AtomicBool,
    down: Mutex<Option<(Instant, String)>>,
}

impl Status {
    pub(crate) fn new() -> Self {
        Self { publishing: Side::new("publishing"), consuming: Side::new("consuming") }
    }

    pub(crate) fn health(&self) -> Health {
        let down = [self.publishing.down(), self.consuming.down()].into_iter().flatten();
        match down.min_by_key(|(since, _)| *since) {
            None => Health::Up,
            Some((since, why)) => Health::Away { since, why },
        }
    }
}

impl Side {
    fn new(what: &'static str) -> Self {
        let down = (Instant::now(), "not connected yet".to_owned());
        Self { what, up: AtomicBool::new(false), down: Mutex::new(Some(down)) }
    }

    pub(crate) fn is_up(&self) -> bool {
        self.up.load(Relaxed)
    }

    /// The connection is up.
    pub(crate) fn rise(&self) {
        let was = self.down.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.up.store(true, Relaxed);
        if let Some((since, _)) = was {
            tracing::info!(for.ms = since.elapsed().as_millis(), "RabbitMQ is available for {}", self.what);
        }
    }

    /// The connection is down for this reason.
    pub(crate) fn fall(&self, why: &str) {
        self.up.store(false, Relaxed);
        let mut down = self.down.lock().unwrap_or_else(PoisonError::into_inner);
        match down.as_mut() {
            Some((_, known)) if known == why => return,
            Some((_, known)) => why.clone_into(known),
            None => *down = Some((Instant::now(), why.to_owned())),
        }
        drop(down);
        tracing::warn!(why, "RabbitMQ is unavailable for {}", self.what);
    }

    pub(crate) fn fall_by(&self, error: &LinkError) {
        self.fall(&error.to_string());
    }

    fn down(&self) -> Option<(Instant, String)> {
        let down = self.down.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        Some((down.0, format!("{}: {}", self.what, down.1)))
    }
}
