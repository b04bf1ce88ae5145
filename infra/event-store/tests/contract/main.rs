//! What the log promises, on both engines.

#![expect(clippy::unwrap_used, reason = "a scenario that cannot go on has failed")]

mod append;
mod audit;
mod builds;
mod concurrency;
mod feed;
mod guarantees;
mod outage;
mod people;
mod process;
mod reading;
mod secrets;
mod support;
mod verify;
