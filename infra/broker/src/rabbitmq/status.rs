//! Whether the two connections stand.

use super::link::LinkError;
use crate::Health;
use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Instant,
};

/// Whether the two connections stand.
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
    away: Mutex<Option<(Instant, String)>>,
}

impl Status {
    pub(crate) fn new() -> Self {
        Self { publishing: Side::new("publishing"), consuming: Side::new("consuming") }
    }

    pub(crate) fn health(&self) -> Health {
        let away = [self.publishing.away(), self.consuming.away()].into_iter().flatten();
        match away.min_by_key(|(since, _)| *since) {
            None => Health::Up,
            Some((since, why)) => Health::Away { since, why },
        }
    }
}

impl Side {
    fn new(what: &'static str) -> Self {
        let away = (Instant::now(), "not connected yet".to_owned());
        Self { what, up: AtomicBool::new(false), away: Mutex::new(Some(away)) }
    }

    pub(crate) fn is_up(&self) -> bool {
        self.up.load(Relaxed)
    }

    pub(crate) fn rise(&self) {
        let was = self.away.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.up.store(true, Relaxed);
        if let Some((since, _)) = was {
            tracing::info!(for.ms = since.elapsed().as_millis(), "RabbitMQ is there for {}", self.what);
        }
    }

    pub(crate) fn fall(&self, why: &str) {
        self.up.store(false, Relaxed);
        let mut away = self.away.lock().unwrap_or_else(PoisonError::into_inner);
        match away.as_mut() {
            Some((_, known)) if known == why => return,
            Some((_, known)) => why.clone_into(known),
            None => *away = Some((Instant::now(), why.to_owned())),
        }
        drop(away);
        tracing::warn!(why, "RabbitMQ is away for {}", self.what);
    }

    pub(crate) fn fall_by(&self, error: &LinkError) {
        self.fall(&error.to_string());
    }

    fn away(&self) -> Option<(Instant, String)> {
        let away = self.away.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        Some((away.0, format!("{}: {}", self.what, away.1)))
    }
}
