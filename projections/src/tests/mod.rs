//! Scenarios over the whole crate, on both engines.

mod support;

mod apply;
mod audit;
mod blocked;
mod builds;
mod duty;
mod erasures;
mod graph_feed;
mod interleaving;
mod leases;
mod poison;
mod presence;
mod queries;
mod rabbitmq;
mod rebuild;
mod retries;
mod verify;
mod worker;
