//! The costs of a run on this machine: processor time and memory per program, and stalls of the disk.

mod cost;
mod disk;
mod host;
mod proc;
mod sampler;
mod usage;

pub(crate) use cost::{Cost, Spent, Track};
pub(crate) use disk::Disk;
pub(crate) use host::describe;
pub(crate) use proc::{resident_of, seconds_of};
pub(crate) use sampler::{Sampler, Samples};
pub(crate) use usage::{Kind, Programs, Running, Source};
