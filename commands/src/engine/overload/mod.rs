//! Admission at the doors: while the commands under way take longer to their commit than their tier's target, a growing
//! share of new ones is refused before any work is done for them (ADR 40). What comes through no door is never refused:
//! the commands of reactors and jobs.

mod controller;

use super::Commands;
use controller::{Controller, Refused};
use domain::Tier;
use metrics::{counter, histogram};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;
use uuid::Uuid;

/// Admits commands at the doors of this process.
#[derive(Debug)]
pub(crate) struct Overload(Mutex<Controller>);

/// An admitted command. It counts as under way until its commit, or until this is dropped.
pub struct EntryPermit {
    commands: Commands,
    request: Uuid,
}

/// A command that waits by intent.
#[derive(Debug)]
pub(crate) struct Paused {
    request: Uuid,
    /// `None` if it came through no door.
    tier: Option<Tier>,
}

impl Drop for EntryPermit {
    fn drop(&mut self) {
        self.commands.overload().leave(self.request);
    }
}

impl Commands {
    /// Admits a command at a door. `request` is the correlation id of its [`Context`](super::Context). The server does not
    /// know yet whether it is a repetition: one that is refused changes nothing, and answers its first result later.
    ///
    /// # Errors
    /// When the server is overloaded: after this time, in whole seconds, it may be tried again.
    pub fn admit(&self, tier: Tier, request: Uuid) -> Result<EntryPermit, Duration> {
        self.overload().enter(tier, request)?;
        Ok(EntryPermit { commands: self.clone(), request })
    }
}

impl Overload {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Controller::new(Instant::now())))
    }

    fn enter(&self, tier: Tier, request: Uuid) -> Result<(), Duration> {
        let (entered, ended) = {
            let mut controller = self.lock();
            (controller.enter(tier, request, Instant::now()), controller.take_ended())
        };
        note_end(ended);
        let outcome = if entered.is_ok() { "admitted" } else { "overloaded" };
        counter!("chatchit_admissions_total", "tier" => tier.as_str(), "outcome" => outcome).increment(1);
        entered.map_err(|Refused { wait, is_first }| {
            if is_first {
                tracing::warn!(command.tier = tier.as_str(), "The server is overloaded; refusing commands");
            }
            wait
        })
    }

    /// Notes a commit. Commands that came through no door do not count.
    pub(crate) fn committed(&self, request: Uuid, tier: Tier) {
        let (took, ended) = {
            let mut controller = self.lock();
            (controller.committed(request, tier, Instant::now()), controller.take_ended())
        };
        note_end(ended);
        if let Some(took) = took {
            histogram!("chatchit_admission_seconds", "tier" => tier.as_str()).record(took);
        }
    }

    /// Leaves out a command while it waits by intent, which says nothing of the server.
    pub(crate) fn pause(&self, request: Uuid) -> Paused {
        Paused { request, tier: self.lock().pause(request) }
    }

    /// Counts it again, from now on.
    pub(crate) fn resume(&self, Paused { request, tier }: Paused) {
        if let Some(tier) = tier {
            self.lock().resume(request, tier, Instant::now());
        }
    }

    fn leave(&self, request: Uuid) {
        self.lock().leave(request);
    }

    fn lock(&self) -> MutexGuard<'_, Controller> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn note_end(refused: Option<u64>) {
    if let Some(refused) = refused {
        tracing::info!(commands.refused = refused, "The overload is over; all commands are admitted");
    }
}
