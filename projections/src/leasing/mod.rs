//! Leases of processes: singleton jobs, owners, and the running gateways.

mod gateways;
mod owner;
mod singleton_job;

pub use gateways::Gateways;
pub use owner::Owner;
pub use singleton_job::SingletonJob;
