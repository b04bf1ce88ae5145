//! Presence: leases of sessions, preferences, what others see and when it is published, and where signals go.
//! The files: `docs/architecture/presence.md`; the decision: ADR 13.

mod connection_registry;
mod effective;
mod hidden_cache;
mod maintain_leases;
mod preference;
mod publish_schedule;
mod publisher;
mod receive;
mod recheck_watches;
mod service;
mod shared_clock;
mod visibility;

pub use connection_registry::{ConnectionRegistry, Found};
pub use effective::EffectivePresence;
pub use maintain_leases::maintain_leases;
pub use preference::{PreferredStatus, PresencePreference};
pub use publisher::PresencePublisher;
pub use recheck_watches::recheck_watches;
// The alias goes when `gateway/sockets` says the new name.
pub use service::{MAX_ONLINE, MAX_ONLINE as ONLINE, Presences};
pub use visibility::{PresenceAudience, SMALL_CONVERSATION};
